// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EncumbranceId, OrgId } from "../common/Ids.sol";
import { EncumbranceKind } from "./IEncumbrances.sol";

/// @notice One place in an asset's line of encumbrances, in one storage word. From the lowest bit, of the encumbrance:
/// id 32 · beneficiary 32 · until 40 · binder 16 · kind 8; then of the asset, in its first place only: count 8 ·
/// holds 16 · last 32 · 72 unused.
/// @dev Packed by hand: a struct of so many fields costs a transaction 1,200 to 3,800 gas more.
type PlaceWord is uint256;

using PlaceWords for PlaceWord global;

/// @title PlaceWords
/// @notice Reads and changes a {PlaceWord}; a change gives a new word and stores nothing.
library PlaceWords {
    uint256 private constant _ENCUMBRANCE = (1 << 128) - 1;

    /// @notice The word of an encumbrance, without anything of the asset.
    function create(
        EncumbranceId id_,
        EncumbranceKind kind_,
        OrgId beneficiary_,
        uint40 until_,
        uint16 binder_
    ) internal pure returns (PlaceWord) {
        uint256 who = EncumbranceId.unwrap(id_) | (uint256(OrgId.unwrap(beneficiary_)) << 32);
        uint256 how = (uint256(until_) << 64) | (uint256(binder_) << 104) | (uint256(kind_) << 120);
        return PlaceWord.wrap(who | how);
    }

    /// @notice The number of the encumbrance; 0 is an empty place.
    function id(PlaceWord word) internal pure returns (EncumbranceId) {
        return EncumbranceId.wrap(uint32(PlaceWord.unwrap(word)));
    }

    /// @notice Whom the asset is bound to.
    function beneficiary(PlaceWord word) internal pure returns (OrgId) {
        return OrgId.wrap(uint32(PlaceWord.unwrap(word) >> 32));
    }

    /// @notice The second from which on anyone may release it.
    function until(PlaceWord word) internal pure returns (uint40) {
        return uint40(PlaceWord.unwrap(word) >> 64);
    }

    /// @notice The number of the binder that placed it, or 0.
    function binder(PlaceWord word) internal pure returns (uint16) {
        return uint16(PlaceWord.unwrap(word) >> 104);
    }

    /// @notice Why the asset is bound.
    function kind(PlaceWord word) internal pure returns (EncumbranceKind) {
        return EncumbranceKind(uint8(PlaceWord.unwrap(word) >> 120));
    }

    /// @notice How many encumbrances stand on the asset; in the first place only.
    function count(PlaceWord word) internal pure returns (uint8) {
        return uint8(PlaceWord.unwrap(word) >> 128);
    }

    /// @notice How many holds stand on the asset; in the first place only.
    function holds(PlaceWord word) internal pure returns (uint16) {
        return uint16(PlaceWord.unwrap(word) >> 136);
    }

    /// @notice The number that was given last for the asset; in the first place only.
    function last(PlaceWord word) internal pure returns (uint32) {
        return uint32(PlaceWord.unwrap(word) >> 152);
    }

    /// @notice Whether anything stands on the asset, by its first place.
    function isBound(PlaceWord word) internal pure returns (bool) {
        return (PlaceWord.unwrap(word) >> 128) & 0xffffff != 0;
    }

    /// @notice The first place with another encumbrance in it, or with none (zero).
    function holding(PlaceWord word, PlaceWord other) internal pure returns (PlaceWord) {
        uint256 asset = PlaceWord.unwrap(word) & ~_ENCUMBRANCE;
        return PlaceWord.wrap(asset | (PlaceWord.unwrap(other) & _ENCUMBRANCE));
    }

    /// @notice The first place with another count of encumbrances.
    function counting(PlaceWord word, uint8 count_) internal pure returns (PlaceWord) {
        return _put(word, 128, 0xff, count_);
    }

    /// @notice The first place with another count of holds.
    function held(PlaceWord word, uint16 holds_) internal pure returns (PlaceWord) {
        return _put(word, 136, 0xffff, holds_);
    }

    /// @notice The first place with another number given last.
    function numbering(PlaceWord word, uint32 last_) internal pure returns (PlaceWord) {
        return _put(word, 152, 0xffffffff, last_);
    }

    function _put(
        PlaceWord word,
        uint256 from,
        uint256 mask,
        uint256 value
    ) private pure returns (PlaceWord) {
        return PlaceWord.wrap((PlaceWord.unwrap(word) & ~(mask << from)) | (value << from));
    }
}
