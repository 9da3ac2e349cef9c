// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A pass and its use, in one storage word. From the lowest bit:
/// permissions 40 · permissions of the last token 40 · expiry 32 · epoch 16 · rev 32 · tokens issued 32 · clock 32 ·
/// least interval 16 · phase 2 · strikes 2 · delegations 2 · delegated 1 · endpoint 1 · barred 1 · member 1 · unused 6.
/// @dev A role has its pass in one word, and the use by each of its holders in a word of its own, of which only the last
/// token, epoch, rev, tokens issued, clock, phase and strikes are used: no holder redeems another's token or is
/// blocked for it. Seconds fit 32 bits until 2106. Sixteen bits of epoch fail closed: a device in its 65,536th epoch
/// gets no pass any more.
type PolicyWord is uint256;

/// @notice What the clock is the time of.
enum Phase {
    Waiting, // the pass's begin
    Issued, // the last token's issue; it is open
    Spent, // the last token's issue; it was redeemed, or ended with a change of the pass
    Blocked // the end of a block for misuse
}

using PolicyWords for PolicyWord global;

/// @title PolicyWords
/// @notice Reads and changes a {PolicyWord}; a change gives a new word and stores nothing.
library PolicyWords {
    /// @dev Made from another pass.
    uint256 internal constant DELEGATED = 1 << 246;
    /// @dev Commits to an endpoint.
    uint256 internal constant ENDPOINT = 1 << 247;
    /// @dev Revoked by the owner: no delegation in this epoch.
    uint256 internal constant BARRED = 1 << 248;
    /// @dev A key that served an organisation when it got the pass.
    uint256 internal constant MEMBER = 1 << 249;

    uint256 private constant _ISSUED = 40;
    uint256 private constant _EXPIRY = 80;
    uint256 private constant _EPOCH = 112;
    uint256 private constant _REV = 128;
    uint256 private constant _COUNTER = 160;
    uint256 private constant _CLOCK = 192;
    uint256 private constant _INTERVAL = 224;
    uint256 private constant _PHASE = 240;
    uint256 private constant _STRIKES = 242;
    uint256 private constant _DELEGATIONS = 244;

    /// @dev The use of the pass before, which a new one inherits: tokens, clock, phase, strikes.
    uint256 private constant _USE =
        (uint256(type(uint40).max) << _ISSUED) |
            (uint256(type(uint64).max) << _COUNTER) |
            (uint256(0xF) << _PHASE);
    /// @dev What remains of a pass that ended, besides its use.
    uint256 private constant _REMAINS = _USE | (uint256(type(uint32).max) << _EXPIRY);

    /// @dev Epoch and rev, side by side.
    uint256 private constant _NUMBER = uint256(type(uint48).max) << _EPOCH;
    /// @dev What a token replaces: the one before it, its pass's number, its time.
    uint256 private constant _TOKEN =
        _NUMBER |
            (uint256(type(uint40).max) << _ISSUED) |
            (uint256(type(uint32).max) << _CLOCK) |
            (uint256(3) << _PHASE);

    // ---------------------------------------------------------------- reading

    /// @notice 0: none or revoked.
    function permissions(PolicyWord word) internal pure returns (uint40) {
        return uint40(PolicyWord.unwrap(word));
    }

    /// @notice Permissions of the last token.
    function issued(PolicyWord word) internal pure returns (uint40) {
        return uint40(PolicyWord.unwrap(word) >> _ISSUED);
    }

    function expiry(PolicyWord word) internal pure returns (uint40) {
        return uint32(PolicyWord.unwrap(word) >> _EXPIRY);
    }

    function epoch(PolicyWord word) internal pure returns (uint32) {
        return uint16(PolicyWord.unwrap(word) >> _EPOCH);
    }

    function rev(PolicyWord word) internal pure returns (uint32) {
        return uint32(PolicyWord.unwrap(word) >> _REV);
    }

    /// @notice Tokens issued so far.
    function counter(PolicyWord word) internal pure returns (uint32) {
        return uint32(PolicyWord.unwrap(word) >> _COUNTER);
    }

    function clock(PolicyWord word) internal pure returns (uint40) {
        return uint32(PolicyWord.unwrap(word) >> _CLOCK);
    }

    function minInterval(PolicyWord word) internal pure returns (uint16) {
        return uint16(PolicyWord.unwrap(word) >> _INTERVAL);
    }

    function phase(PolicyWord word) internal pure returns (Phase) {
        return Phase((PolicyWord.unwrap(word) >> _PHASE) & 3);
    }

    function strikes(PolicyWord word) internal pure returns (uint8) {
        return uint8((PolicyWord.unwrap(word) >> _STRIKES) & 3);
    }

    function delegations(PolicyWord word) internal pure returns (uint8) {
        return uint8((PolicyWord.unwrap(word) >> _DELEGATIONS) & 3);
    }

    function has(PolicyWord word, uint256 mark) internal pure returns (bool) {
        return PolicyWord.unwrap(word) & mark != 0;
    }

    /// @notice The pass lies ahead.
    function waits(PolicyWord word) internal view returns (bool) {
        return block.timestamp < clock(word) && phase(word) == Phase.Waiting;
    }

    /// @notice A block for misuse is not over.
    function isBlocked(PolicyWord word) internal view returns (bool) {
        return block.timestamp < clock(word) && phase(word) == Phase.Blocked;
    }

    /// @notice The clock is a token's time of issue: `Issued` or `Spent`, 1 or 2.
    function hadToken(PolicyWord word) internal pure returns (bool) {
        uint256 bits = PolicyWord.unwrap(word) >> _PHASE;
        return (bits ^ (bits >> 1)) & 1 != 0;
    }

    /// @notice Whether the last token was issued under this very pass.
    function isUseOf(PolicyWord usage, PolicyWord policy) internal pure returns (bool) {
        return (PolicyWord.unwrap(usage) ^ PolicyWord.unwrap(policy)) & _NUMBER == 0;
    }

    // ---------------------------------------------------------------- changing

    /// @notice A new pass in place of an old one. The last token ends; the interval since it, a block for misuse and
    /// strikes do not.
    function renewed(
        PolicyWord old,
        uint40 permissions_,
        uint40 notBefore,
        uint40 expiry_,
        uint32 epoch_
    ) internal view returns (PolicyWord word) {
        uint256 bits = (PolicyWord.unwrap(old) & _USE) | permissions_ | (uint256(expiry_) << _EXPIRY);
        bits |= uint256(uint16(epoch_)) << _EPOCH;
        word = PolicyWord.wrap(bits | (uint256(rev(old) + 1) << _REV));
        if (!isBlocked(old) && (phase(old) == Phase.Waiting || notBefore > block.timestamp)) {
            return withPhase(withClock(word, notBefore), Phase.Waiting);
        }
        return phase(old) == Phase.Issued ? withPhase(word, Phase.Spent) : word;
    }

    /// @notice The rest of a new pass.
    function withTerms(
        PolicyWord word,
        uint16 minInterval_,
        uint8 delegations_,
        uint256 marks
    ) internal pure returns (PolicyWord) {
        uint256 terms =
            (uint256(minInterval_) << _INTERVAL) | (uint256(delegations_) << _DELEGATIONS) | marks;
        return PolicyWord.wrap(PolicyWord.unwrap(word) | terms);
    }

    /// @notice The word after the pass was revoked: its number and its holder's conduct stay.
    function ended(PolicyWord old, uint32 epoch_, uint256 marks) internal pure returns (PolicyWord word) {
        uint256 bits = (PolicyWord.unwrap(old) & _REMAINS) | (uint256(uint16(epoch_)) << _EPOCH) | marks;
        word = PolicyWord.wrap(bits | (uint256(rev(old) + 1) << _REV));
        if (phase(old) == Phase.Issued) word = withPhase(word, Phase.Spent);
    }

    /// @notice The word after a token was issued now, under `policy`. Strikes are forgotten when the one before is a day
    /// or more ago.
    function withToken(
        PolicyWord usage,
        PolicyWord policy,
        uint40 permissions_
    ) internal view returns (PolicyWord) {
        uint256 bits = PolicyWord.unwrap(usage);
        bool forgiven = hadToken(usage) && block.timestamp >= clock(usage) + 1 days;
        if (forgiven) bits &= ~(uint256(3) << _STRIKES);
        uint256 now_ = uint256(uint32(block.timestamp)) << _CLOCK;
        // A counter cannot run over: it would take four billion transactions under one pass.
        bits = (bits & ~_TOKEN) + (uint256(1) << _COUNTER);
        bits |= (PolicyWord.unwrap(policy) & _NUMBER) | (uint256(permissions_) << _ISSUED) | now_;
        return PolicyWord.wrap(bits | (uint256(Phase.Issued) << _PHASE));
    }

    /// @notice One more strike; the one numbered `max` blocks until `end`.
    function withStrike(PolicyWord usage, uint8 max, uint40 end) internal pure returns (PolicyWord) {
        uint8 count = strikes(usage) + 1;
        if (count < max) return _with(usage, _STRIKES, 3, count);
        return withPhase(withClock(_with(usage, _STRIKES, 3, 0), end), Phase.Blocked);
    }

    function withPhase(PolicyWord word, Phase to) internal pure returns (PolicyWord) {
        return _with(word, _PHASE, 3, uint256(to));
    }

    function withClock(PolicyWord word, uint40 time) internal pure returns (PolicyWord) {
        return _with(word, _CLOCK, type(uint32).max, uint32(time));
    }

    function _with(
        PolicyWord word,
        uint256 shift,
        uint256 mask,
        uint256 value
    ) private pure returns (PolicyWord) {
        return PolicyWord.wrap((PolicyWord.unwrap(word) & ~(mask << shift)) | (value << shift));
    }
}
