// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { PausableActions } from "../consortium/PausableActions.sol";
import { DeviceProofs } from "./DeviceProofs.sol";
import { DeviceKey, DeviceRecord, DeviceStatus } from "./DeviceTypes.sol";
import { DeviceWord, TAKEN } from "./DeviceWord.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceRecords
/// @notice The words of all devices and of their past epochs, and what every concern of the registry asks of them.
/// See {IDeviceRecords}.
abstract contract DeviceRecords is IDeviceRegistry, PausableActions {
    /// @inheritdoc IDeviceRecords
    IConsortium public immutable CONSORTIUM;

    mapping(DeviceId device => DeviceWord word) internal _words;
    mapping(DeviceId device => mapping(uint256 epoch => DeviceWord word)) private _history;
    /// @dev Only where the epoch's word says `rotated`.
    mapping(DeviceId device => mapping(uint256 epoch => bytes32 keyId)) private _keyIds;

    constructor(IConsortium consortium) {
        CONSORTIUM = consortium;
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceRecords
    function record(DeviceId device) external view returns (DeviceRecord memory) {
        return _words[device].toRecord();
    }

    /// @inheritdoc IDeviceRecords
    function wordOf(DeviceId device) external view returns (DeviceWord) {
        return _words[device];
    }

    /// @inheritdoc IDeviceRecords
    function ownerOf(DeviceId device) external view returns (address) {
        return _known(device).owner().holder();
    }

    /// @inheritdoc IDeviceRecords
    function requireActive(DeviceId device) external view returns (DeviceRecord memory) {
        DeviceWord word = _known(device);
        if (word.status() != DeviceStatus.Active) revert DeviceNotActive(device, word.status());
        return word.toRecord();
    }

    /// @inheritdoc IDeviceRecords
    function recordOfEpoch(DeviceId device, uint32 epoch) external view returns (DeviceRecord memory) {
        return _wordOfEpoch(device, epoch).toRecord();
    }

    /// @inheritdoc IDeviceRecords
    function epochAt(DeviceId device, uint256 time) external view returns (uint32) {
        return uint32(_epochAt(device, time, false));
    }

    /// @inheritdoc IDeviceRecords
    function epochAtBlock(DeviceId device, uint256 blockNumber) external view returns (uint32) {
        return uint32(_epochAt(device, blockNumber, true));
    }

    /// @inheritdoc IDeviceRecords
    function ownerAt(DeviceId device, uint256 time) external view returns (address) {
        return _ownerIn(device, _epochAt(device, time, false));
    }

    /// @inheritdoc IDeviceRecords
    function ownerAtBlock(DeviceId device, uint256 blockNumber) external view returns (address) {
        return _ownerIn(device, _epochAt(device, blockNumber, true));
    }

    /// @inheritdoc IDeviceRecords
    function keyIdAt(DeviceId device, uint32 epoch) external view returns (bytes32) {
        return _keyIdIn(device, _wordOfEpoch(device, epoch));
    }

    /// @inheritdoc IDeviceRecords
    function inForceAt(DeviceId device, uint256 time) external view returns (uint32 epoch, bytes32 keyId) {
        epoch = uint32(_epochAt(device, time, false));
        keyId = epoch == 0 ? DeviceId.unwrap(device) : _keyIdIn(device, _wordOfEpoch(device, epoch));
    }

    /// @inheritdoc IDeviceRecords
    function deviceIdOf(DeviceKey calldata key) external pure returns (DeviceId) {
        return DeviceId.wrap(DeviceProofs.keyId(key));
    }

    // ---------------------------------------------------------------- epochs

    function _known(DeviceId device) internal view returns (DeviceWord word) {
        word = _words[device];
        if (!word.isDevice()) revert DeviceUnknown(device);
    }

    /// @dev A device that is not revoked.
    function _living(DeviceId device) internal view returns (DeviceWord word) {
        word = _known(device);
        if (word.status() == DeviceStatus.Revoked) revert DeviceEnded(device);
    }

    /// @dev The only place where an epoch ends; `fresh` comes of `old.next(…)`. The key stays.
    function _beginEpoch(DeviceId device, DeviceWord old, DeviceWord fresh) internal {
        _history[device][old.epoch()] = old;
        _words[device] = fresh;
        if (old.rotated()) _keyIds[device][fresh.epoch()] = _keyIds[device][old.epoch()];
    }

    /// @dev The same with a new key, which from then on nobody can register or rotate in.
    function _beginEpoch(DeviceId device, DeviceWord old, DeviceWord fresh, bytes32 keyId) internal {
        _history[device][old.epoch()] = old;
        _words[device] = fresh;
        _keyIds[device][fresh.epoch()] = keyId;
        _words[DeviceId.wrap(keyId)] = DeviceWord.wrap(TAKEN);
    }

    function _wordOfEpoch(DeviceId device, uint32 epoch) private view returns (DeviceWord word) {
        word = _words[device];
        uint32 present = word.isDevice() ? word.epoch() : 0;
        if (epoch == 0 || epoch > present) revert DeviceEpochUnknown(device, epoch, present);
        if (epoch < present) word = _history[device][epoch];
    }

    /// @dev The last epoch that began at or before a moment: a second, or a block.
    function _epochAt(DeviceId device, uint256 moment, bool byBlock) private view returns (uint256 low) {
        uint256 present = byBlock ? block.number : block.timestamp;
        if (moment > present) revert DeviceTimeAhead(moment, present);
        DeviceWord word = _words[device];
        if (!word.isDevice()) return 0;
        uint256 high = word.epoch();
        if (_beginning(word, byBlock) <= moment) return high;
        unchecked {
            for (--high; low < high;) {
                uint256 middle = (low + high + 1) / 2;
                if (_beginning(_history[device][middle], byBlock) <= moment) low = middle;
                else high = middle - 1;
            }
        }
    }

    function _beginning(DeviceWord word, bool byBlock) private pure returns (uint256) {
        return byBlock ? word.blockNumber() : word.since();
    }

    function _ownerIn(DeviceId device, uint256 epoch) private view returns (address) {
        return epoch == 0 ? address(0) : _wordOfEpoch(device, uint32(epoch)).owner().holder();
    }

    // ---------------------------------------------------------------- keys

    function _keyIdIn(DeviceId device, DeviceWord word) private view returns (bytes32) {
        return word.rotated() ? _keyIds[device][word.epoch()] : DeviceId.unwrap(device);
    }

    function _requireFree(bytes32 keyId) internal view {
        if (DeviceWord.unwrap(_words[DeviceId.wrap(keyId)]) != 0) revert DeviceKeyTaken(keyId);
    }

    function _requireInForce(DeviceId device, DeviceWord word, DeviceKey calldata key) internal view {
        (bytes32 inForce, bytes32 given) = (_keyIdIn(device, word), DeviceProofs.keyId(key));
        if (given != inForce) revert DeviceKeyMismatch(device, inForce, given);
    }

    /// @dev Checks a device's signature; see {DeviceProofs}.
    function _requireProof(
        DeviceId device,
        DeviceKey calldata key,
        bytes32 structHash,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) internal view {
        DeviceProofs.check(device, key, _deviceDigest(key.curve, structHash), deadline, r, s);
    }

    function _deviceDigest(uint8 curve, bytes32 structHash) internal view returns (bytes32) {
        return DeviceProofs.digest(curve, _domainSeparatorV4(), structHash);
    }

    // ---------------------------------------------------------------- who acts

    /// @dev The organisation an account acts for in a role, or the consortium's reason why not.
    function _requireRole(address account, Role role) internal view returns (OrgId) {
        return CONSORTIUM.requireRole(account, role);
    }

    function _requireActiveOrg(OrgId org) internal view {
        CONSORTIUM.requireActive(org);
    }

    /// @dev An account must dispose of devices for this organisation.
    function _requireManager(DeviceId device, address account, OrgId org) internal view {
        if (_requireRole(account, Role.DeviceManager) != org) revert DeviceActorRefused(device, account);
    }

    /// @dev The caller must be a signatory of this organisation, which must be active.
    function _requireSignatory(DeviceId device, OrgId org) internal view {
        address caller = _msgSender();
        if (CONSORTIUM.orgOf(caller) != org) revert DeviceActorRefused(device, caller);
        _requireActiveOrg(org);
    }

    /// @dev Whether the caller is the device authority, on whichever device.
    function _isAuthority() internal view returns (bool) {
        return CONSORTIUM.hasRole(_msgSender(), Role.DeviceAuthority);
    }
}
