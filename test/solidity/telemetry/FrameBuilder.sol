// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice All that a meter frame says, in the order of docs/frame.md.
struct Fields {
    bool k1;
    bytes32 device;
    uint32 epoch;
    uint64 seq;
    bytes32 prev;
    uint64 time;
    uint8 clock;
    uint64 uptime;
    bool hasBeacon;
    uint32 beaconBatch;
    bytes8 beaconRoot;
    bytes name;
    bytes unit;
    int64 value;
    uint64 meterTime;
    bytes32 r;
    bytes32 s;
}

/// @notice Encodes meter frames by CBOR's own rules, item by item; shares nothing with the parser.
library FrameBuilder {
    function build(Fields memory f) internal pure returns (bytes memory) {
        bytes memory header = protectedHeader(f);
        bytes memory body = payload(f);
        return
            abi.encodePacked(
                hex"d284",
                head(2, header.length),
                header,
                hex"a0",
                head(2, body.length),
                body,
                head(2, 64),
                f.r,
                f.s
            );
    }

    /// @notice SHA-256 of the Sig_structure (RFC 9052 §4.4) that the device signs.
    function signedHash(Fields memory f, address registry) internal view returns (bytes32) {
        bytes memory header = protectedHeader(f);
        bytes memory body = payload(f);
        bytes memory aad = abi.encodePacked("tenon-frame-v1", block.chainid, registry);
        return
            sha256(
                abi.encodePacked(
                    abi.encodePacked(head(4, 4), head(3, 10), "Signature1"),
                    abi.encodePacked(head(2, header.length), header),
                    abi.encodePacked(head(2, aad.length), aad),
                    abi.encodePacked(head(2, body.length), body)
                )
            );
    }

    function protectedHeader(Fields memory f) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(head(5, 4), head(0, 1), integer(f.k1 ? -47 : -7), head(0, 3), head(0, 112)),
                abi.encodePacked(head(0, 4), head(2, 32), f.device, integer(-65_537), head(4, 8), head(0, 1)),
                abi.encodePacked(head(0, f.epoch), head(0, f.seq), head(2, 32), f.prev),
                abi.encodePacked(head(0, f.time), head(0, f.clock), head(0, f.uptime), beacon(f))
            );
    }

    function payload(Fields memory f) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(head(4, 1), head(5, 4)),
                abi.encodePacked(head(0, 0), head(3, f.name.length), f.name),
                abi.encodePacked(head(0, 1), head(3, f.unit.length), f.unit),
                abi.encodePacked(head(0, 2), integer(f.value)),
                abi.encodePacked(head(0, 6), head(0, f.meterTime))
            );
    }

    function beacon(Fields memory f) internal pure returns (bytes memory) {
        if (!f.hasBeacon) return hex"f6";
        return abi.encodePacked(head(4, 2), head(0, f.beaconBatch), head(2, 8), f.beaconRoot);
    }

    function integer(int64 value) internal pure returns (bytes memory) {
        return value < 0 ? head(1, uint64(-1 - value)) : head(0, uint64(value));
    }

    function head(uint8 major, uint256 value) internal pure returns (bytes memory) {
        uint8 first = major << 5;
        if (value < 24) return abi.encodePacked(uint8(first | value));
        if (value < 2 ** 8) return abi.encodePacked(first | 24, uint8(value));
        if (value < 2 ** 16) return abi.encodePacked(first | 25, uint16(value));
        if (value < 2 ** 32) return abi.encodePacked(first | 26, uint32(value));
        return abi.encodePacked(first | 27, uint64(value));
    }
}
