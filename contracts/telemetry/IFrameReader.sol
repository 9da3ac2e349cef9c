// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, StreamId } from "../common/Ids.sol";
import { Anchor } from "./IAnchorLog.sol";

/// @notice What stands in a frame's protected header (docs/frame.md).
struct FrameHeader {
    DeviceId device;
    int32 algorithm; // COSE: -7 ES256, -47 ES256K
    uint32 epoch;
    uint64 seq; // from 1, one more each frame
    bytes32 prev; // frame hash of the one before
    uint64 time; // device clock, milliseconds since 1970
    uint8 clock; // 0 unset, 1 free-running, 2 synced
}

/// @notice The one record of a meter frame.
struct Meter {
    bytes32 name; // ASCII, left-aligned
    bytes32 unit; // SenML unit, ASCII, left-aligned
    int64 value;
    uint64 time; // seconds since 1970, device clock
}

/// @notice A frame and where it was anchored.
struct FrameProof {
    bytes frame; // exactly as stored
    StreamId stream;
    Anchor anchor;
    uint32 index; // within the batch
    bytes32[] path; // inclusion path under anchor.framesRoot
    bytes32[] epochPath; // see IAnchorLog.requireAnchored
}

/// @notice Reads device frames for contracts. Views only: no state, no powers.
interface IFrameReader {
    error FrameMalformed(uint256 offset);
    error FrameNotInBatch(StreamId stream, uint32 batch, uint32 index);
    error FrameSignatureInvalid(DeviceId device);
    error FrameKeyMismatch(DeviceId device, bytes32 given, bytes32 inForce);
    error FrameEpochStale(DeviceId device, uint32 epoch, uint32 inForce);
    error FrameNotMeter(DeviceId device, uint64 seq);

    /// @notice Reverts unless the frame is in an anchored batch; returns its header.
    /// @dev Being anchored means that an oracle verified the device's signature; a reader who does not trust the
    /// oracle uses `verifySigned`.
    function verify(FrameProof calldata proof) external view returns (FrameHeader memory);

    /// @notice The same, and the device's own signature is checked with its key.
    /// @dev The key must have been in force within the window of the batch, so an old key signs nothing after its rotation;
    /// the frame's epoch must be no older than the registry's when the window began (devices may count epochs ahead). The
    /// window is the oracle's word: one that dates a batch back can still pass an old key off.
    /// @param x,y The device's key at that time; its curve is the frame's algorithm.
    function verifySigned(
        FrameProof calldata proof,
        bytes32 x,
        bytes32 y
    ) external view returns (FrameHeader memory);

    /// @notice Parses a meter frame: one record with name, unit, integer value and time.
    /// @dev Does not say whether the frame is genuine: call `verify` or `verifySigned` with it.
    function readMeter(bytes calldata frame) external pure returns (FrameHeader memory, Meter memory);
}
