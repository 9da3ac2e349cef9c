// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../common/Ids.sol";
import { FrameHeader, IFrameReader, Meter } from "./IFrameReader.sol";

/// @notice A frame taken apart. Offsets count from the frame's first byte.
struct ParsedFrame {
    FrameHeader header;
    uint8 contentType; // 112 SenML-CBOR, 42 opaque
    uint256 protectedEnd; // the protected header, with its length, is frame[2:protectedEnd]
    uint256 payloadHead; // the payload, with its length, is frame[payloadHead:payloadEnd]
    uint256 payload; // the payload without its length starts here
    uint256 payloadEnd;
    bytes32 r;
    bytes32 s;
}

/// @title Parser of device frames
/// @notice Reads the COSE_Sign1 profile of docs/frame.md: one fixed order of items, every length and number in its
/// shortest form, no byte after the last. So one frame has exactly one encoding, and the parser takes no other.
/// @dev The layout is fixed, therefore no loop and no recursion: gas is bounded by the items, not by the bytes.
/// Reads past the end of the frame give other calldata or zeros; every read is followed by a check of its end.
/// Sums of offsets and lengths are unchecked: an offset is at most 65,535, a length below 2^64.
library FrameParser {
    uint256 internal constant MAX_LENGTH = 65_535;

    uint8 internal constant SENML = 112;
    uint8 internal constant OPAQUE = 42;
    int32 internal constant ES256 = -7;
    int32 internal constant ES256K = -47;

    /// @dev Every number of a frame fits a signed 64-bit integer, so that any language can hold it.
    uint256 private constant MAX_UINT = uint64(type(int64).max);

    uint256 private constant UNSIGNED = 0;
    uint256 private constant NEGATIVE = 1;
    uint256 private constant BYTES = 2;
    uint256 private constant TEXT = 3;

    /// @dev Stands in for the bytes behind a text while all 32 of a word are checked at once.
    uint256 private constant FILLING = 0x2020202020202020202020202020202020202020202020202020202020202020;
    uint256 private constant HIGH_BITS = 0x8080808080808080808080808080808080808080808080808080808080808080;
    uint256 private constant ONES = 0x0101010101010101010101010101010101010101010101010101010101010101;

    /// @notice Takes a frame apart. Reverts with `FrameMalformed(offset of the item)` unless it is exactly a frame.
    /// @dev Neither signature nor registration is looked at, nor the inside of the payload.
    function parse(bytes calldata frame) internal pure returns (ParsedFrame memory p) {
        if (frame.length > MAX_LENGTH) revert IFrameReader.FrameMalformed(MAX_LENGTH);

        uint256 pos = _take(frame, 0, hex"d284", 2);
        (pos, p.protectedEnd) = _takeBytes(frame, pos);
        pos = _parseHeader(frame, pos, p);
        if (pos != p.protectedEnd) revert IFrameReader.FrameMalformed(pos);

        p.payloadHead = _take(frame, pos, hex"a0", 1);
        (p.payload, p.payloadEnd) = _takeBytes(frame, p.payloadHead);
        pos = _take(frame, p.payloadEnd, hex"5840", 2);
        if (pos + 64 != frame.length) revert IFrameReader.FrameMalformed(pos);
        p.r = _word(frame, pos);
        p.s = _word(frame, pos + 32);
    }

    /// @notice Reads the record of a meter frame; false when the payload is not exactly one.
    function meter(
        bytes calldata frame,
        ParsedFrame memory p
    ) internal pure returns (bool found, Meter memory m) {
        if (p.contentType != SENML) return (false, m);
        // A failed step returns offset 0. The frame's byte there is the COSE tag, which fits no step, so the failure
        // carries through to the end.
        uint256 pos = _match(frame, p.payload, hex"81a400", 3);
        (m.name, pos) = _text(frame, pos);
        pos = _match(frame, pos, hex"01", 1);
        (m.unit, pos) = _text(frame, pos);
        pos = _match(frame, pos, hex"02", 1);
        (m.value, pos) = _int(frame, pos);
        pos = _match(frame, pos, hex"06", 1);
        (m.time, pos) = _time(frame, pos);
        found = pos == p.payloadEnd;
    }

    /// @notice The SHA-256 that the device signed, which is the frame's hash: its identity, whatever form the
    /// signature has.
    /// @dev RFC 9052 §4.4 Sig_structure; the external data binds the frame to this chain and registry.
    function signedHash(
        bytes calldata frame,
        ParsedFrame memory p,
        address registry
    ) internal view returns (bytes32) {
        return
            sha256(
                abi.encodePacked(
                    hex"846a",
                    "Signature1",
                    frame[2:p.protectedEnd],
                    hex"5842",
                    "tenon-frame-v1",
                    block.chainid,
                    registry,
                    frame[p.payloadHead:p.payloadEnd]
                )
            );
    }

    /// @dev The protected header's map; returns the offset after it.
    function _parseHeader(
        bytes calldata frame,
        uint256 pos,
        ParsedFrame memory p
    ) private pure returns (uint256) {
        FrameHeader memory h = p.header;
        pos = _take(frame, pos, hex"a401", 2);
        (h.algorithm, pos) = _takeAlgorithm(frame, pos);
        pos = _take(frame, pos, hex"0318", 2);
        (p.contentType, pos) = _takeContentType(frame, pos);
        pos = _take(frame, pos, hex"045820", 3);
        h.device = DeviceId.wrap(_word(frame, pos));
        pos = _take(frame, pos + 32, hex"3a000100008801", 7);
        uint256 value;
        (value, pos) = _takeUint(frame, pos, 1, type(uint32).max);
        h.epoch = uint32(value);
        (value, pos) = _takeUint(frame, pos, 1, MAX_UINT);
        h.seq = uint64(value);
        pos = _take(frame, pos, hex"5820", 2);
        h.prev = _word(frame, pos);
        uint256 timeAt = pos + 32;
        (value, pos) = _takeUint(frame, timeAt, 0, MAX_UINT);
        h.time = uint64(value);
        (value, pos) = _takeUint(frame, pos, 0, 2);
        h.clock = uint8(value);
        if (h.clock == 0 && h.time != 0) revert IFrameReader.FrameMalformed(timeAt);
        (, pos) = _takeUint(frame, pos, 0, MAX_UINT); // uptime
        return _takeBeacon(frame, pos);
    }

    function _takeAlgorithm(bytes calldata frame, uint256 pos) private pure returns (int32, uint256) {
        if (_match(frame, pos, hex"26", 1) != 0) return (ES256, pos + 1);
        return (ES256K, _take(frame, pos, hex"382e", 2));
    }

    function _takeContentType(bytes calldata frame, uint256 pos) private pure returns (uint8, uint256) {
        if (_match(frame, pos, hex"70", 1) != 0) return (SENML, pos + 1);
        return (OPAQUE, _take(frame, pos, hex"2a", 1));
    }

    /// @dev null, or [batch number, first 8 bytes of its frames root].
    function _takeBeacon(bytes calldata frame, uint256 pos) private pure returns (uint256) {
        uint256 next = _match(frame, pos, hex"f6", 1);
        if (next != 0) return next;
        (, pos) = _takeUint(frame, _take(frame, pos, hex"82", 1), 0, type(uint32).max);
        return _take(frame, pos, hex"48", 1) + 8;
    }

    function _takeBytes(bytes calldata frame, uint256 pos) private pure returns (uint256 start, uint256 end) {
        (uint256 major, uint256 length, uint256 next) = _head(frame, pos);
        unchecked {
            if (next == 0 || major != BYTES || next + length > frame.length) {
                revert IFrameReader.FrameMalformed(pos);
            }
            return (next, next + length);
        }
    }

    function _takeUint(
        bytes calldata frame,
        uint256 pos,
        uint256 min,
        uint256 max
    ) private pure returns (uint256, uint256) {
        (uint256 major, uint256 value, uint256 next) = _head(frame, pos);
        if (next == 0 || major != UNSIGNED || value < min || value > max) {
            revert IFrameReader.FrameMalformed(pos);
        }
        return (value, next);
    }

    function _take(
        bytes calldata frame,
        uint256 pos,
        bytes32 expected,
        uint256 length
    ) private pure returns (uint256 next) {
        next = _match(frame, pos, expected, length);
        if (next == 0) revert IFrameReader.FrameMalformed(pos);
    }

    /// @dev The offset after `expected`, or 0 when something else stands there.
    function _match(
        bytes calldata frame,
        uint256 pos,
        bytes32 expected,
        uint256 length
    ) private pure returns (uint256) {
        unchecked {
            if (pos + length > frame.length) return 0;
            if (uint256(_word(frame, pos) ^ expected) >> (256 - 8 * length) != 0) return 0;
            return pos + length;
        }
    }

    /// @dev Text of 1 to 31 printable ASCII characters, left-aligned. With control characters, "a" and "a\0" would be
    /// the same word.
    function _text(bytes calldata frame, uint256 pos) private pure returns (bytes32 text, uint256 next) {
        (uint256 major, uint256 length, uint256 start) = _head(frame, pos);
        unchecked {
            if (start == 0 || major != TEXT || length == 0 || length > 31 || start + length > frame.length) {
                return (0, 0);
            }
            bytes32 padding = bytes32(type(uint256).max >> (8 * length));
            text = _word(frame, start) & ~padding;
            if (!_isPrintable(uint256(text | (bytes32(FILLING) & padding)))) return (0, 0);
            next = start + length;
        }
    }

    /// @dev Whether each of 32 bytes is in 0x20 … 0x7e. With high bits clear no addition carries into the next byte:
    /// + 0x60 sets the high bit from 0x20 on, + 0x01 sets it only for 0x7f.
    function _isPrintable(uint256 word) private pure returns (bool) {
        if (word & HIGH_BITS != 0) return false;
        unchecked {
            return (word + 0x60 * ONES) & HIGH_BITS == HIGH_BITS && (word + ONES) & HIGH_BITS == 0;
        }
    }

    function _int(bytes calldata frame, uint256 pos) private pure returns (int64 value, uint256 next) {
        (uint256 major, uint256 size, uint256 end) = _head(frame, pos);
        if (end == 0 || major > NEGATIVE || size > MAX_UINT) return (0, 0);
        value = major == UNSIGNED ? int64(uint64(size)) : -1 - int64(uint64(size));
        next = end;
    }

    /// @dev Absolute time: smaller numbers are relative in SenML (RFC 8428 §4.5.3).
    function _time(bytes calldata frame, uint256 pos) private pure returns (uint64 value, uint256 next) {
        (uint256 major, uint256 time, uint256 end) = _head(frame, pos);
        if (end == 0 || major != UNSIGNED || time < 2 ** 28 || time > MAX_UINT) return (0, 0);
        return (uint64(time), end);
    }

    /// @dev Initial byte and argument of a CBOR item; `next` is 0 unless they are in shortest form and inside.
    function _head(
        bytes calldata frame,
        uint256 pos
    ) private pure returns (uint256 major, uint256 value, uint256 next) {
        if (pos >= frame.length) return (0, 0, 0);
        unchecked {
            uint256 word = uint256(_word(frame, pos));
            uint256 info = (word >> 248) & 31;
            major = word >> 253;
            if (info < 24) return (major, info, pos + 1);
            if (info > 27) return (0, 0, 0);
            uint256 size = 1 << (info - 24);
            value = (word << 8) >> (256 - 8 * size);
            uint256 shortest = size == 1 ? 24 : 1 << (4 * size);
            next = pos + 1 + size;
            if (value < shortest || next > frame.length) return (0, 0, 0);
        }
    }

    function _word(bytes calldata frame, uint256 pos) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(frame.offset, pos))
        }
    }
}
