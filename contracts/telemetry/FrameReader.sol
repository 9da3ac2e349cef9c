// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Rfc9162 } from "../common/Rfc9162.sol";
import { DeviceSignature } from "../identity/DeviceSignature.sol";
import { DeviceKey, IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { FrameParser, ParsedFrame } from "./FrameParser.sol";
import { Anchor, IAnchorLog } from "./IAnchorLog.sol";
import { FrameHeader, FrameProof, IFrameReader, Meter } from "./IFrameReader.sol";

/// @title FrameReader
/// @notice See IFrameReader.
contract FrameReader is IFrameReader {
    /// @notice Says which batches were anchored.
    IAnchorLog public immutable ANCHOR_LOG;

    /// @notice Devices sign its address with every frame; it says which key was in force when a frame was anchored.
    IDeviceRegistry public immutable REGISTRY;

    constructor(IAnchorLog anchorLog_, IDeviceRegistry registry_) {
        ANCHOR_LOG = anchorLog_;
        REGISTRY = registry_;
    }

    /// @inheritdoc IFrameReader
    function verify(FrameProof calldata proof) external view returns (FrameHeader memory) {
        ParsedFrame memory p = FrameParser.parse(proof.frame);
        _requireInBatch(proof);
        return p.header;
    }

    /// @inheritdoc IFrameReader
    function verifySigned(
        FrameProof calldata proof,
        bytes32 x,
        bytes32 y
    ) external view returns (FrameHeader memory) {
        ParsedFrame memory p = FrameParser.parse(proof.frame);
        _requireInBatch(proof);
        bytes32 hash = FrameParser.signedHash(proof.frame, p, address(REGISTRY));
        // An algorithm of the other curve gives another id.
        bool p256 = p.header.algorithm == FrameParser.ES256;
        uint8 curve = p256 ? DeviceSignature.CURVE_P256 : DeviceSignature.CURVE_SECP256K1;

        _requireInForce(p.header, keccak256(abi.encodePacked(curve, x, y)), proof.anchor);
        // Chips give high s as often as low.
        bytes32 s = DeviceSignature.lowerS(curve, p.s);
        if (!DeviceSignature.isValid(DeviceKey({ curve: curve, x: x, y: y }), hash, p.r, s)) {
            revert FrameSignatureInvalid(p.header.device);
        }
        return p.header;
    }

    /// @inheritdoc IFrameReader
    function readMeter(bytes calldata frame) external pure returns (FrameHeader memory, Meter memory) {
        ParsedFrame memory p = FrameParser.parse(frame);
        (bool found, Meter memory m) = FrameParser.meter(frame, p);
        if (!found) revert FrameNotMeter(p.header.device, p.header.seq);
        return (p.header, m);
    }

    /// @dev A key that was replaced while the batch was open counts in it, as the one that replaced it.
    function _requireInForce(FrameHeader memory header, bytes32 given, Anchor calldata anchor) private view {
        (uint32 epoch, bytes32 keyId) = REGISTRY.inForceAt(header.device, _past(anchor.minTime));
        if (header.epoch < epoch) revert FrameEpochStale(header.device, header.epoch, epoch);
        if (given == keyId) return;
        (, keyId) = REGISTRY.inForceAt(header.device, _past(anchor.maxTime));
        if (given != keyId) revert FrameKeyMismatch(header.device, given, keyId);
    }

    /// @dev The oracle's clock may be a little ahead of the chain's.
    function _past(uint40 time) private view returns (uint256) {
        return time < block.timestamp ? time : block.timestamp;
    }

    function _requireInBatch(FrameProof calldata proof) private view {
        ANCHOR_LOG.requireAnchored(proof.stream, proof.anchor, proof.epochPath);
        bytes32 leaf = Rfc9162.leafHash(proof.frame);
        if (
            !Rfc9162.verifyInclusion(
                leaf,
                proof.index,
                proof.anchor.count,
                proof.path,
                proof.anchor.framesRoot
            )
        ) {
            revert FrameNotInBatch(proof.stream, proof.anchor.batch, proof.index);
        }
    }
}
