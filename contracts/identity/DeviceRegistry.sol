// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { DeviceId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { IEncumberable, IEncumbrances } from "../consortium/IEncumbrances.sol";
import { DeviceKeys } from "./DeviceKeys.sol";
import { DeviceRecords } from "./DeviceRecords.sol";
import { DeviceRegistration } from "./DeviceRegistration.sol";
import { DeviceStates } from "./DeviceStates.sol";
import { DeviceWord, LOCKED } from "./DeviceWord.sol";
import { IDeviceOwnership } from "./IDeviceOwnership.sol";
import { IDeviceRegistration } from "./IDeviceRegistration.sol";

/// @title DeviceRegistry
/// @notice Device identities: one storage word for each, one more for each past epoch, the full keys in the events. See
/// {IDeviceRegistry}.
/// @dev Not upgradeable. {DeviceRecords} keeps the words; registration, states, ownership and keys each are a file. What
/// the AccessManager opens here are pauses and the run-off, nothing else.
contract DeviceRegistry is DeviceRegistration, DeviceStates, DeviceKeys, IEncumberable {
    /// @notice The one contract that locks devices and frees them.
    IEncumbrances public immutable ENCUMBRANCES;

    constructor(
        IConsortium consortium,
        address authority,
        IEncumbrances encumbrances,
        address recovery
    )
        EIP712("Tenon DeviceRegistry", "1")
        AccessManaged(authority)
        DeviceRecords(consortium)
        DeviceKeys(recovery)
    {
        ENCUMBRANCES = encumbrances;
    }

    // ---------------------------------------------------------------- asked and told by the encumbrances

    /// @inheritdoc IEncumberable
    function holderOf(bytes32 id) external view returns (address holder) {
        DeviceWord word = _words[DeviceId.wrap(id)];
        if (word.isDevice()) holder = word.owner().holder();
    }

    /// @inheritdoc IEncumberable
    function keeperRole() external pure returns (Role) {
        return Role.DeviceManager;
    }

    /// @inheritdoc IEncumberable
    function onEncumbered(bytes32 id, bool locked) external {
        if (_msgSender() != address(ENCUMBRANCES)) revert EncumbranceSourceRefused(_msgSender());
        DeviceId device = DeviceId.wrap(id);
        _words[device] = _known(device).withFlag(LOCKED, locked);
    }

    // ---------------------------------------------------------------- what may be paused

    function _entries() internal pure override returns (bytes4[] memory) {
        return
            _actions(
                5,
                (uint256(uint32(IDeviceRegistration.register.selector)) << 224) |
                    (uint256(uint32(IDeviceRegistration.registerBatch.selector)) << 192) |
                    (uint256(uint32(IDeviceRegistration.openList.selector)) << 160) |
                    (uint256(uint32(IDeviceRegistration.activate.selector)) << 128) |
                    (uint256(uint32(IDeviceRegistration.registerByVoucher.selector)) << 96)
            );
    }

    function _pausable() internal pure override returns (bytes4[] memory) {
        return
            _actions(
                3,
                (uint256(uint32(IDeviceOwnership.offer.selector)) << 224) |
                    (uint256(uint32(IDeviceOwnership.acceptOffer.selector)) << 192) |
                    (uint256(uint32(IDeviceOwnership.transfer.selector)) << 160)
            );
    }

    /// @dev The selectors in a word, from the left. Room for code is short here.
    function _actions(uint256 count, uint256 packed) private pure returns (bytes4[] memory actions) {
        actions = new bytes4[](count);
        for (uint256 i = 0; i < count; ++i) actions[i] = bytes4(uint32(packed >> (224 - 32 * i)));
    }
}
