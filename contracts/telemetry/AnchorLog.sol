// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { OrgId, StreamId } from "../common/Ids.sol";
import { Rfc9162 } from "../common/Rfc9162.sol";
import { IConsortium, IRoleListener, Role, Term } from "../consortium/IConsortium.sol";
import { Anchor, Head, IAnchorLog } from "./IAnchorLog.sol";

/// @title AnchorLog
/// @notice See IAnchorLog. The order of the checks in `anchor` is the order of its errors.
contract AnchorLog is IAnchorLog, IRoleListener, AccessManaged {
    /// @notice Batches of one epoch, and slots of the ring.
    uint32 public constant EPOCH = 1024;

    /// @notice How far an oracle's clock may run ahead of the block's, in seconds.
    uint40 public constant MAX_CLOCK_AHEAD = 15;

    struct Stream {
        Head head; // slot 0
        bytes32[EPOCH] ring; // slots 1 … EPOCH: commitment of batch b at b % EPOCH
        mapping(uint32 epoch => bytes32 root) epochs;
    }

    /// @notice Where the Anchor role is kept, and the only one that may tell of its changes.
    IConsortium public immutable CONSORTIUM;

    /// @notice Streams opened so far; the newest has this number.
    uint32 public streamCount;

    /// @notice The stream of which an account is the present key, or 0.
    mapping(address key => StreamId stream) public streamOf;
    mapping(StreamId stream => Stream) private _streams;

    constructor(IConsortium consortium_, address authority) AccessManaged(authority) {
        CONSORTIUM = consortium_;
    }

    /// @inheritdoc IAnchorLog
    /// @dev Runs once a second for years, so it works on whole words: the head is loaded and stored once, and the
    /// numbers of `a` are compared as they came, which leaves no room for one that does not fit its type.
    function anchor(StreamId stream, Anchor calldata a) external {
        Stream storage s = _streams[stream];
        (uint256 word, uint256 batch, uint256 first, uint256 count) = _load(s.head, a);
        unchecked {
            // No number here has more than 41 bits once it has passed its check. `|` instead of `||` saves branches.
            if (msg.sender != address(uint160(word))) _refuseKey(stream, s.head);
            if (block.timestamp >= uint256(uint24(word >> 160)) * 1 hours) _refuseRole(stream, s.head);
            if ((batch ^ uint32(word >> 184)) | (first ^ (word >> 216)) != 0) _refuseOrder(stream, s.head, a);
            if (count - 1 >= type(uint32).max) _refuseCount(stream, a);
            _requireWindow(a);
            uint256 next = batch + 1;
            uint256 size = first + count;
            if ((next >> 32) | (size >> 40) != 0) revert StreamFull(stream);

            _store(s.head, (size << 216) | (next << 184) | uint184(word));
            s.ring[batch % EPOCH] = _commitAndEmit(stream, batch);
            if (next % EPOCH == 0) _seal(stream, s, uint32(batch / EPOCH));
        }
    }

    /// @inheritdoc IAnchorLog
    function openStream(address key) external restricted returns (StreamId stream) {
        uint24 untilHour = _requireFreeKey(key);

        stream = StreamId.wrap(++streamCount);
        streamOf[key] = stream;
        _streams[stream].head = Head({ key: key, untilHour: untilHour, next: 0, size: 0 });

        emit StreamOpened(stream, key);
        emit StreamKeySet(stream, address(0), key, untilHour);
    }

    /// @inheritdoc IAnchorLog
    function setKey(StreamId stream, address key) external restricted {
        address previous = _key(stream);
        uint24 untilHour = _requireFreeKey(key);

        streamOf[previous] = StreamId.wrap(0);
        streamOf[key] = stream;
        _setKey(stream, previous, key, untilHour);
    }

    /// @inheritdoc IAnchorLog
    function refresh(StreamId stream) external {
        address key = _key(stream);
        _setKey(stream, key, key, _fold(CONSORTIUM.termOf(key, Role.Anchor)));
    }

    /// @inheritdoc IRoleListener
    function onRoleChanged(OrgId, address account, Role role, Term calldata term) external {
        if (msg.sender != address(CONSORTIUM)) revert RoleSourceRefused(msg.sender);
        StreamId stream = streamOf[account];
        if (role != Role.Anchor || StreamId.unwrap(stream) == 0) return;
        _setKey(stream, account, account, _fold(term));
    }

    /// @inheritdoc IAnchorLog
    function head(StreamId stream) external view returns (Head memory) {
        return _streams[stream].head;
    }

    /// @inheritdoc IAnchorLog
    function epochRoot(StreamId stream, uint32 epoch) external view returns (bytes32) {
        return _streams[stream].epochs[epoch];
    }

    /// @inheritdoc IAnchorLog
    function requireAnchored(StreamId stream, Anchor calldata a, bytes32[] calldata epochPath) external view {
        Stream storage s = _streams[stream];
        uint32 next = s.head.next;
        uint32 epoch = a.batch / EPOCH;

        if (a.batch >= next) revert BatchUnknown(stream, a.batch, next);
        bytes32 commitment = commitmentOf(stream, a);
        if (epochPath.length == 0) {
            if (next - a.batch > EPOCH) revert EpochPathRequired(stream, a.batch, epoch);
            if (s.ring[a.batch % EPOCH] != commitment) revert BatchMismatch(stream, a.batch);
        } else {
            bytes32 root = s.epochs[epoch];
            if (root == 0) revert EpochNotSealed(stream, epoch);
            bytes32 leaf = Rfc9162.leafHash(commitment);
            if (!Rfc9162.verifyInclusion(leaf, a.batch % EPOCH, EPOCH, epochPath, root)) {
                revert BatchMismatch(stream, a.batch);
            }
        }
    }

    /// @inheritdoc IAnchorLog
    function commitmentOf(StreamId stream, Anchor calldata a) public pure returns (bytes32) {
        return keccak256(abi.encode(stream, a));
    }

    /// @dev `commitmentOf(stream, a)` and `emit Anchored(stream, a …)` of the running call. All arguments of `anchor` are
    /// of fixed size, so its calldata behind the selector is `abi.encode(stream, a)`, and the end of that is the
    /// event's data: one copy serves both.
    function _commitAndEmit(StreamId stream, uint256 batch) private returns (bytes32 commitment) {
        bytes32 topic = Anchored.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, 4, 288)
            commitment := keccak256(data, 288)
            log3(add(data, 64), 224, topic, stream, batch)
        }
    }

    /// @dev Keeps the root over the full ring for good: the one new slot in `EPOCH` anchors.
    function _seal(StreamId stream, Stream storage s, uint32 epoch) private {
        bytes32[EPOCH] storage ring = s.ring;
        uint256 slot;
        assembly ("memory-safe") {
            slot := ring.slot
        }
        bytes32 root = Rfc9162.rootOfSlots(slot, EPOCH);
        s.epochs[epoch] = root;
        emit EpochSealed(stream, epoch, root);
    }

    function _setKey(StreamId stream, address previous, address key, uint24 untilHour) private {
        Head storage h = _streams[stream].head;
        h.key = key;
        h.untilHour = untilHour;
        emit StreamKeySet(stream, previous, key, untilHour);
    }

    function _key(StreamId stream) private view returns (address key) {
        key = _streams[stream].head.key;
        if (key == address(0)) revert StreamUnknown(stream);
    }

    function _requireFreeKey(address key) private view returns (uint24 untilHour) {
        CONSORTIUM.requireRole(key, Role.Anchor);
        if (StreamId.unwrap(streamOf[key]) != 0) revert StreamKeyTaken(key, streamOf[key]);
        return _fold(CONSORTIUM.termOf(key, Role.Anchor));
    }

    /// @dev The last full hour of a term.
    function _fold(Term memory term) private pure returns (uint24) {
        uint40 untilHour = term.until / 1 hours;
        return untilHour > type(uint24).max ? type(uint24).max : uint24(untilHour);
    }

    /// @dev The head as one word, from the lowest bits: key 160, untilHour 24, next 32, size 40; and the first three
    /// words of `a`, unchecked.
    function _load(
        Head storage h,
        Anchor calldata a
    ) private view returns (uint256 word, uint256 batch, uint256 first, uint256 count) {
        assembly ("memory-safe") {
            word := sload(h.slot)
            batch := calldataload(a)
            first := calldataload(add(a, 32))
            count := calldataload(add(a, 64))
        }
    }

    function _store(Head storage h, uint256 word) private {
        assembly ("memory-safe") {
            sstore(h.slot, word)
        }
    }

    function _requireWindow(Anchor calldata a) private view {
        uint256 minTime;
        uint256 maxTime;
        assembly ("memory-safe") {
            minTime := calldataload(add(a, 96))
            maxTime := calldataload(add(a, 128))
        }
        if (minTime > maxTime) revert AnchorWindowInvalid(a.minTime, a.maxTime);
        unchecked {
            uint256 latest = block.timestamp + MAX_CLOCK_AHEAD;
            if (maxTime > latest) revert AnchorInFuture(a.maxTime, latest);
        }
    }

    function _refuseKey(StreamId stream, Head storage h) private view {
        if (h.key == address(0)) revert StreamUnknown(stream);
        revert AnchorKeyRefused(stream, msg.sender, h.key);
    }

    function _refuseRole(StreamId stream, Head storage h) private view {
        revert AnchorRoleExpired(stream, h.key, h.untilHour);
    }

    function _refuseOrder(StreamId stream, Head storage h, Anchor calldata a) private view {
        revert AnchorOutOfOrder(stream, h.next, h.size, a.batch, a.first);
    }

    /// @dev A count above 32 bits fails where it is read, as in any call.
    function _refuseCount(StreamId stream, Anchor calldata a) private pure {
        assert(a.count == 0);
        revert AnchorEmpty(stream, a.batch);
    }
}
