// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrgId } from "../common/Ids.sol";
import { Role } from "./IConsortium.sol";

/// @notice Everything that decides what an account may do, in one storage word. From the lowest bit:
/// organisation 32 · present 1 · organisation active 1 · 22 unused · 5 slots of {role 8, until 32}.
/// @dev An empty slot is zero. `until` in 32 bits ends in the year 2106.
type AccountWord is uint256;

using AccountWords for AccountWord global;

/// @title AccountWords
/// @notice Reads and changes an {AccountWord}; a change gives a new word and stores nothing.
library AccountWords {
    /// @notice Roles an account may hold at a time.
    uint256 internal constant SLOTS = 5;

    uint256 private constant _PRESENT = 1 << 32;
    uint256 private constant _ACTIVE = 1 << 33;
    uint256 private constant _FIRST = 56; // bit at which the slots begin
    uint256 private constant _WIDTH = 40;
    uint256 private constant _SLOT = (1 << _WIDTH) - 1;

    /// @notice The word of a signatory without roles.
    function create(OrgId organisation, bool active) internal pure returns (AccountWord) {
        return AccountWord.wrap(OrgId.unwrap(organisation) | _PRESENT | (active ? _ACTIVE : 0));
    }

    /// @notice The organisation the account serves, or served: it stays after the end.
    function org(AccountWord word) internal pure returns (OrgId) {
        return OrgId.wrap(uint32(AccountWord.unwrap(word)));
    }

    /// @notice Whether the account is a signatory now.
    function isPresent(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & _PRESENT != 0;
    }

    /// @notice Whether the account is a signatory of an active organisation.
    function isActive(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & (_PRESENT | _ACTIVE) == _PRESENT | _ACTIVE;
    }

    /// @notice Whether the account may act in a role now.
    function counts(AccountWord word, Role role) internal view returns (bool) {
        return isActive(word) && block.timestamp < untilOf(word, role);
    }

    /// @notice The second at which a role ends, or 0 when it was not granted.
    function untilOf(AccountWord word, Role role) internal pure returns (uint40) {
        uint256 slots = AccountWord.unwrap(word) >> _FIRST;
        for (; slots != 0; slots >>= _WIDTH) if (uint8(slots) == uint8(role)) return uint32(slots >> 8);
        return 0;
    }

    /// @notice The role in a slot, `None` when it is empty, and its end.
    function slotAt(AccountWord word, uint256 slot) internal pure returns (Role role, uint40 until) {
        uint256 bits = AccountWord.unwrap(word) >> (_FIRST + _WIDTH * slot);
        return (Role(uint8(bits)), uint32(bits >> 8));
    }

    /// @notice Where a role is, or else can be put: its own slot, an empty one, or one whose role has expired; `SLOTS`
    /// when there is none.
    function slotFor(AccountWord word, Role role) internal view returns (uint256 found) {
        found = SLOTS;
        bool empty;
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            (Role held, uint40 until) = slotAt(word, slot);
            if (held == role) return slot;
            if (empty || until > block.timestamp) continue;
            found = slot;
            empty = held == Role.None;
        }
    }

    /// @notice The word with a role in a slot, in place of what was there; `None` until 0 empties it.
    function put(
        AccountWord word,
        uint256 slot,
        Role role,
        uint40 until
    ) internal pure returns (AccountWord) {
        uint256 shift = _FIRST + _WIDTH * slot;
        uint256 bits = (uint256(uint32(until)) << 8) | uint8(role);
        return AccountWord.wrap((AccountWord.unwrap(word) & ~(_SLOT << shift)) | (bits << shift));
    }

    /// @notice The word after its organisation became active, or ceased to be.
    function withActive(AccountWord word, bool active) internal pure returns (AccountWord) {
        uint256 bits = AccountWord.unwrap(word);
        return AccountWord.wrap(active ? bits | _ACTIVE : bits & ~_ACTIVE);
    }

    /// @notice The word of an account that serves nobody any more: only the organisation stays.
    function ended(AccountWord word) internal pure returns (AccountWord) {
        return AccountWord.wrap(uint32(AccountWord.unwrap(word)));
    }
}
