// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrgId } from "../common/Ids.sol";
import { DeviceKey, DeviceRecord, DeviceStatus, Offer } from "./DeviceTypes.sol";

/// @notice All the registry keeps of a device's present, in one storage word. From the lowest bit:
/// owner 32 · maker 32 · since 32 · block 32 · epoch 32 · status 4 · engaged 1 · locked 1 · access stopped 1 · unused 1 ·
/// curve 4 · rotated 1 · unused 2 · taken 1 · offered to 32 · offered until 32 · unused 16.
/// @dev Owners are numbers of organisations: their addresses follow (`OrgId.holder()`), so an offer finds room here.
/// A word with nothing but `taken` stands under the id of every key that was rotated in: a key serves one device, once.
/// Seconds fit 32 bits until 2106.
type DeviceWord is uint256;

using {
    owner,
    maker,
    since,
    blockNumber,
    epoch,
    status,
    curve,
    engaged,
    locked,
    accessStopped,
    rotated,
    offered,
    isDevice,
    toRecord,
    withStatus,
    withFlag,
    withOffer,
    withKey,
    next
} for DeviceWord global;

uint256 constant ENGAGED = 1 << 164;
uint256 constant LOCKED = 1 << 165;
uint256 constant ACCESS_STOPPED = 1 << 166;
uint256 constant ROTATED = 1 << 172;
uint256 constant TAKEN = 1 << 175;

uint256 constant _STATUS = 160;
uint256 constant _CURVE = 168;
uint256 constant _OFFER = 176;
/// @dev Maker, status, locked, access stopped, curve and rotated: what a new epoch inherits.
uint256 constant _INHERITED =
    (0xFFFFFFFF << 32) | (0xF << _STATUS) | LOCKED | ACCESS_STOPPED | (0x1F << _CURVE);

/// @notice The word of a device that enters now: active, engaged, in its first epoch.
function newDeviceWord(OrgId owner_, OrgId maker_, uint8 curve_) view returns (DeviceWord) {
    return
        DeviceWord.wrap(
            OrgId.unwrap(owner_) |
                (uint256(OrgId.unwrap(maker_)) << 32) |
                (uint256(uint32(block.timestamp)) << 64) |
                (uint256(uint32(block.number)) << 96) |
                (1 << 128) |
                (uint256(DeviceStatus.Active) << _STATUS) |
                ENGAGED |
                (uint256(curve_) << _CURVE)
        );
}

function owner(DeviceWord word) pure returns (OrgId) {
    return OrgId.wrap(uint32(DeviceWord.unwrap(word)));
}

function maker(DeviceWord word) pure returns (OrgId) {
    return OrgId.wrap(uint32(DeviceWord.unwrap(word) >> 32));
}

/// @notice When the epoch began, seconds.
function since(DeviceWord word) pure returns (uint256) {
    return uint32(DeviceWord.unwrap(word) >> 64);
}

/// @notice The block in which the epoch began.
function blockNumber(DeviceWord word) pure returns (uint256) {
    return uint32(DeviceWord.unwrap(word) >> 96);
}

function epoch(DeviceWord word) pure returns (uint32) {
    return uint32(DeviceWord.unwrap(word) >> 128);
}

function status(DeviceWord word) pure returns (DeviceStatus) {
    return DeviceStatus((DeviceWord.unwrap(word) >> _STATUS) & 0xF);
}

function curve(DeviceWord word) pure returns (uint8) {
    return uint8((DeviceWord.unwrap(word) >> _CURVE) & 0xF);
}

function engaged(DeviceWord word) pure returns (bool) {
    return DeviceWord.unwrap(word) & ENGAGED != 0;
}

function locked(DeviceWord word) pure returns (bool) {
    return DeviceWord.unwrap(word) & LOCKED != 0;
}

function accessStopped(DeviceWord word) pure returns (bool) {
    return DeviceWord.unwrap(word) & ACCESS_STOPPED != 0;
}

/// @notice Whether a slot of its own names the key in force; otherwise it is the birth key.
function rotated(DeviceWord word) pure returns (bool) {
    return DeviceWord.unwrap(word) & ROTATED != 0;
}

function offered(DeviceWord word) pure returns (Offer memory) {
    uint256 bits = DeviceWord.unwrap(word) >> _OFFER;
    return Offer({ to: OrgId.wrap(uint32(bits)), until: uint32(bits >> 32) });
}

/// @notice False for an empty word and for the mark of a used key.
function isDevice(DeviceWord word) pure returns (bool) {
    return (DeviceWord.unwrap(word) >> _STATUS) & 0xF != 0;
}

/// @notice The word as the interface gives it; all zero when it is no device's.
function toRecord(DeviceWord word) pure returns (DeviceRecord memory record) {
    if (!word.isDevice()) return record;
    record.org = word.owner();
    record.owner = record.org.holder();
    record.maker = word.maker();
    record.since = uint40(word.since());
    record.blockNumber = uint32(word.blockNumber());
    record.epoch = word.epoch();
    record.status = word.status();
    record.curve = word.curve();
    record.engaged = word.engaged();
    record.locked = word.locked();
    record.accessStopped = word.accessStopped();
    record.rotated = word.rotated();
}

function withStatus(DeviceWord word, DeviceStatus to) pure returns (DeviceWord) {
    uint256 cleared = DeviceWord.unwrap(word) & ~uint256(0xF << _STATUS);
    return DeviceWord.wrap(cleared | (uint256(to) << _STATUS));
}

function withFlag(DeviceWord word, uint256 flag, bool on) pure returns (DeviceWord) {
    uint256 bits = DeviceWord.unwrap(word);
    return DeviceWord.wrap(on ? bits | flag : bits & ~flag);
}

function withOffer(DeviceWord word, OrgId to, uint40 until) pure returns (DeviceWord) {
    uint256 cleared = DeviceWord.unwrap(word) & ((1 << _OFFER) - 1);
    return
        DeviceWord.wrap(
            cleared | (uint256(OrgId.unwrap(to)) << _OFFER) | (uint256(uint32(until)) << (_OFFER + 32))
        );
}

/// @notice The word of a device whose key in force is another than its birth key.
function withKey(DeviceWord word, uint8 curve_) pure returns (DeviceWord) {
    uint256 cleared = DeviceWord.unwrap(word) & ~uint256(0xF << _CURVE);
    return DeviceWord.wrap(cleared | (uint256(curve_) << _CURVE) | ROTATED);
}

/// @notice The word of the next epoch, which begins now, under the same owner or another. An offer ends with its epoch;
/// another owner has neither the device's signature yet nor the emergency stop of the one before.
function next(DeviceWord word, OrgId owner_) view returns (DeviceWord) {
    uint256 old = DeviceWord.unwrap(word);
    uint256 bits =
        (old & _INHERITED) |
            OrgId.unwrap(owner_) |
            (uint256(uint32(block.timestamp)) << 64) |
            (uint256(uint32(block.number)) << 96) |
            (uint256(word.epoch() + 1) << 128);
    if (owner_ == word.owner()) return DeviceWord.wrap(bits | (old & ENGAGED));
    return DeviceWord.wrap(bits & ~ACCESS_STOPPED);
}
