// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { DeviceId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { IEncumberable, IEncumbrances } from "../consortium/IEncumbrances.sol";
import { IOrders } from "../consortium/IOrders.sol";
import { DeviceKeys } from "./DeviceKeys.sol";
import { DeviceOwnership } from "./DeviceOwnership.sol";
import { DeviceRecords } from "./DeviceRecords.sol";
import { DeviceStates } from "./DeviceStates.sol";
import { DeviceWord, LOCKED } from "./DeviceWord.sol";
import { IDeviceOwnership } from "./IDeviceOwnership.sol";
import { IDeviceRegistration } from "./IDeviceRegistration.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceRegistry
/// @notice Device identities: one storage word for each, one more for each past epoch, the full keys in the events. See
/// {IDeviceRegistry}.
/// @dev Not upgradeable. {DeviceRecords} keeps the words; registration, states, ownership and keys each are a file. What
/// the AccessManager opens here are pauses and the run-off, nothing else.
contract DeviceRegistry is IDeviceRegistry, IEncumberable, DeviceStates, DeviceKeys {
    /// @notice The one contract that locks devices and frees them.
    IEncumbrances public immutable ENCUMBRANCES;

    constructor(
        IConsortium consortium,
        address authority,
        IOrders orders,
        IEncumbrances encumbrances
    )
        EIP712("Tenon DeviceRegistry", "1")
        AccessManaged(authority)
        DeviceRecords(consortium)
        DeviceOwnership(orders)
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

    function _entries() internal pure override returns (bytes4[] memory actions) {
        actions = new bytes4[](5);
        actions[0] = IDeviceRegistration.register.selector;
        actions[1] = IDeviceRegistration.registerBatch.selector;
        actions[2] = IDeviceRegistration.openList.selector;
        actions[3] = IDeviceRegistration.activate.selector;
        actions[4] = IDeviceRegistration.registerByVoucher.selector;
    }

    function _pausable() internal pure override returns (bytes4[] memory actions) {
        actions = new bytes4[](3);
        actions[0] = IDeviceOwnership.offer.selector;
        actions[1] = IDeviceOwnership.acceptOffer.selector;
        actions[2] = IDeviceOwnership.transfer.selector;
    }
}
