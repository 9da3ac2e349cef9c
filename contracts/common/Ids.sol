// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Ids are value types, so that two ids cannot be swapped by mistake.

/// @notice A member organisation, numbered from 1 in order of admission; 0 is nobody.
type OrgId is uint32;

/// @notice `keccak256(curve ‖ x ‖ y)` of the device's birth key: known before any transaction, the same for ever.
type DeviceId is bytes32;

/// @notice One oracle partition's sequence of anchored batches, numbered from 1; 0 is none.
type StreamId is uint32;

/// @notice An order of a court or regulator, numbered from 1 as they are issued; 0 is none.
type OrderId is uint64;

/// @notice One encumbrance of one asset, numbered from 1 for each asset and never used again; 0 is none.
type EncumbranceId is uint32;

using { orgEq as ==, orgNeq as !=, holder } for OrgId global;
using { deviceEq as ==, deviceNeq as != } for DeviceId global;
using { streamEq as ==, streamNeq as != } for StreamId global;
using { orderEq as ==, orderNeq as != } for OrderId global;
using { encumbranceEq as ==, encumbranceNeq as != } for EncumbranceId global;

function orgEq(OrgId a, OrgId b) pure returns (bool) {
    return OrgId.unwrap(a) == OrgId.unwrap(b);
}

function orgNeq(OrgId a, OrgId b) pure returns (bool) {
    return OrgId.unwrap(a) != OrgId.unwrap(b);
}

function deviceEq(DeviceId a, DeviceId b) pure returns (bool) {
    return DeviceId.unwrap(a) == DeviceId.unwrap(b);
}

function deviceNeq(DeviceId a, DeviceId b) pure returns (bool) {
    return DeviceId.unwrap(a) != DeviceId.unwrap(b);
}

function streamEq(StreamId a, StreamId b) pure returns (bool) {
    return StreamId.unwrap(a) == StreamId.unwrap(b);
}

function streamNeq(StreamId a, StreamId b) pure returns (bool) {
    return StreamId.unwrap(a) != StreamId.unwrap(b);
}

function orderEq(OrderId a, OrderId b) pure returns (bool) {
    return OrderId.unwrap(a) == OrderId.unwrap(b);
}

function orderNeq(OrderId a, OrderId b) pure returns (bool) {
    return OrderId.unwrap(a) != OrderId.unwrap(b);
}

function encumbranceEq(EncumbranceId a, EncumbranceId b) pure returns (bool) {
    return EncumbranceId.unwrap(a) == EncumbranceId.unwrap(b);
}

function encumbranceNeq(EncumbranceId a, EncumbranceId b) pure returns (bool) {
    return EncumbranceId.unwrap(a) != EncumbranceId.unwrap(b);
}

/// @notice The address that is the holder of record of everything an organisation owns.
/// @dev Nobody has a key for it: it is the tail of a hash of the organisation's number, so replacing a signatory
/// moves no asset. It is a pure function of the id, so contracts need no look-up to know it.
function holder(OrgId org) pure returns (address account) {
    assembly ("memory-safe") {
        // 19 bytes of text, then the number's four
        mstore(0, or("tenon:organisation:", shl(72, and(org, 0xffffffff))))
        account := and(keccak256(0, 23), 0xffffffffffffffffffffffffffffffffffffffff)
    }
}
