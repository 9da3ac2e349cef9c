// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Encumbrances } from "../../../contracts/consortium/Encumbrances.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { Orders } from "../../../contracts/consortium/Orders.sol";
import { DeviceRecovery } from "../../../contracts/identity/DeviceRecovery.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";

/// @notice A device registry with all it needs, told of manufacturers by the consortium and known to the encumbrances.
function deployRegistry(Consortium consortium, address authority) returns (DeviceRegistry registry) {
    Orders orders = new Orders(consortium);
    Encumbrances encumbrances = new Encumbrances(consortium, authority, orders);
    address recovery = address(new DeviceRecovery(consortium, orders));
    registry = new DeviceRegistry(consortium, authority, encumbrances, recovery);
    consortium.setRoleListener(Role.Manufacturer, registry);
    encumbrances.admitModule(registry);
}
