// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { DeviceId } from "../common/Ids.sol";
import { Rfc9162 } from "../common/Rfc9162.sol";
import { IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { FrameParser, ParsedFrame } from "./FrameParser.sol";
import { IAnchorLog } from "./IAnchorLog.sol";
import { FrameHeader, FrameProof, IFrameReader, Meter } from "./IFrameReader.sol";

/// @title FrameReader
/// @notice See IFrameReader.
contract FrameReader is IFrameReader {
    /// @notice Says which batches were anchored.
    IAnchorLog public immutable ANCHOR_LOG;

    /// @notice Devices sign its address with every frame; the reader asks it nothing.
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
        bool p256 = p.header.algorithm == FrameParser.ES256;
        // COSE number of the curve; an algorithm of the other curve gives another id.
        DeviceId given = DeviceId.wrap(keccak256(abi.encodePacked(p256 ? uint8(1) : uint8(8), x, y)));

        if (given != p.header.device) revert FrameKeyMismatch(p.header.device, given);
        if (!(p256 ? _verifyP256(hash, p.r, p.s, x, y) : _verifySecp256k1(hash, p.r, p.s, x, y))) {
            revert FrameSignatureInvalid(given);
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

    /// @dev Chips give high s as often as low; OpenZeppelin takes only low.
    function _verifyP256(
        bytes32 hash,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) private view returns (bool) {
        uint256 high = uint256(s);
        if (high > P256.N / 2 && high < P256.N) s = bytes32(P256.N - high);
        return P256.verify(hash, r, s, x, y);
    }

    /// @dev A frame carries no recovery id, so both are tried. `ecrecover` takes high s, and never returns the zero
    /// address for a key whose hash the caller has shown.
    function _verifySecp256k1(
        bytes32 hash,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) private pure returns (bool) {
        address signer = address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
        return ecrecover(hash, 27, r, s) == signer || ecrecover(hash, 28, r, s) == signer;
    }
}
