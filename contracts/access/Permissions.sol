// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Permissions
/// @notice What a pass may allow: one bit each. Bits 0 to 31 mean the same for every device and are only ever
/// appended to; bits 32 to 39 mean what the maker of the device publishes in the device's document.
library Permissions {
    uint40 internal constant READ_TELEMETRY = 1 << 0;
    uint40 internal constant READ_STATE = 1 << 1;
    uint40 internal constant READ_LOCATION = 1 << 2;
    uint40 internal constant READ_CONFIGURATION = 1 << 3;
    uint40 internal constant WRITE_CONFIGURATION = 1 << 4;
    uint40 internal constant READ_DIAGNOSTICS = 1 << 5;
    uint40 internal constant CLEAR_FAULTS = 1 << 6;
    uint40 internal constant START_STOP = 1 << 7;
    uint40 internal constant REMOTE_CONTROL = 1 << 8;
    uint40 internal constant LOCK_UNLOCK = 1 << 9;
    uint40 internal constant CALIBRATE = 1 << 10;
    uint40 internal constant UPDATE_FIRMWARE = 1 << 11;
}
