// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../../../contracts/common/Ids.sol";
import { IDeviceRegistry } from "../../../contracts/identity/IDeviceRegistry.sol";
import { FrameReader } from "../../../contracts/telemetry/FrameReader.sol";
import { IAnchorLog } from "../../../contracts/telemetry/IAnchorLog.sol";
import { FrameHeader, IFrameReader, Meter } from "../../../contracts/telemetry/IFrameReader.sol";
import { TestBase } from "../TestBase.sol";
import { Fields, FrameBuilder } from "./FrameBuilder.sol";

/// @notice Random meter frames, whole and damaged, read by the contract. Nothing here asks the anchor log.
contract FrameParserFuzz is TestBase {
    uint64 private constant _MAX = uint64(type(int64).max);

    FrameReader private _reader;

    function setUp() external {
        _reader = new FrameReader(IAnchorLog(address(0)), IDeviceRegistry(address(0)));
    }

    function testFuzz_everyMeterFrameReadsBack(Fields memory f) external view {
        _bound(f);
        (FrameHeader memory h, Meter memory m) = _reader.readMeter(FrameBuilder.build(f));
        check(h.device == DeviceId.wrap(f.device), "device");
        check(h.algorithm == (f.k1 ? int32(-47) : int32(-7)), "algorithm");
        check(h.epoch == f.epoch && h.seq == f.seq && h.prev == f.prev, "place in the chain");
        check(h.time == f.time && h.clock == f.clock, "time");
        check(m.name == bytes32(f.name) && m.unit == bytes32(f.unit), "meter");
        check(m.value == f.value && m.time == f.meterTime, "value");
    }

    /// @notice One changed byte is refused, or shows in what is returned, or lies where nothing is returned from
    /// (uptime and beacon; the signature is left alone here). So no reading has two encodings.
    function testFuzz_noSecondEncodingOfWhatIsRead(
        Fields memory f,
        uint256 place,
        uint8 other
    ) external view {
        _bound(f);
        bytes memory frame = FrameBuilder.build(f);
        place = place % (frame.length - 64);
        vm.assume(uint8(frame[place]) != other);
        bytes memory changed = bytes.concat(frame);
        changed[place] = bytes1(other);
        try _reader.readMeter(changed) returns (FrameHeader memory h, Meter memory m) {
            bool unread = place >= _offset(f, 3) && place < 4 + uint8(frame[3]);
            bytes memory rebuilt = FrameBuilder.build(_fieldsOf(f, h, m));
            check(keccak256(rebuilt) == keccak256(unread ? frame : changed), "two encodings");
        } catch {}
    }

    function testFuzz_aNumberNotInItsShortestFormIsRefused(Fields memory f, uint256 item) external {
        _bound(f);
        bytes memory frame = FrameBuilder.build(f);
        uint256 place = _offset(f, item % 4);
        uint256 value = [f.epoch, f.seq, f.time, f.uptime][item % 4];
        uint256 width = FrameBuilder.head(0, value).length;
        if (width == 9) return;
        bytes memory wide = _wide(value, width == 1 ? 2 : 2 * width - 1);
        frame[3] = bytes1(uint8(frame[3]) + uint8(wide.length - width)); // the header's length
        bytes memory behind = _slice(frame, place + width, frame.length);
        vm.expectRevert(abi.encodeWithSelector(IFrameReader.FrameMalformed.selector, place));
        _reader.readMeter(bytes.concat(_slice(frame, 0, place), wide, behind));
    }

    function testFuzz_everyPrefixIsRefused(Fields memory f, uint256 length) external view {
        _bound(f);
        bytes memory frame = FrameBuilder.build(f);
        _expectRefused(_slice(frame, 0, length % frame.length));
    }

    function testFuzz_everythingBehindIsRefused(Fields memory f, bytes calldata behind) external view {
        _bound(f);
        vm.assume(behind.length > 0);
        _expectRefused(bytes.concat(FrameBuilder.build(f), behind));
    }

    function testFuzz_randomBytesAreRefused(bytes calldata random) external view {
        _expectRefused(random);
        _expectRefused(bytes.concat(hex"d284", random));
        _expectRefused(bytes.concat(hex"d2845859a4012603187004", random));
    }

    /// @dev Makes random fields a frame of the profile.
    function _bound(Fields memory f) private pure {
        f.epoch = uint32(within(f.epoch, 1, type(uint32).max));
        f.seq = uint64(within(f.seq, 1, _MAX));
        f.clock = f.clock % 3;
        f.time = f.clock == 0 ? 0 : f.time % (_MAX + 1);
        f.uptime = f.uptime % (_MAX + 1);
        f.meterTime = uint64(within(f.meterTime, 2 ** 28, _MAX));
        f.name = _printable(f.name);
        f.unit = _printable(f.unit);
    }

    function _printable(bytes memory text) private pure returns (bytes memory good) {
        good = new bytes(within(text.length, 1, 31));
        for (uint256 i = 0; i < good.length; ++i) {
            good[i] = bytes1(uint8(0x20 + (i < text.length ? uint8(text[i]) % 95 : 0)));
        }
    }

    /// @dev What was returned, and what cannot be from the fields `f`.
    function _fieldsOf(
        Fields memory f,
        FrameHeader memory h,
        Meter memory m
    ) private pure returns (Fields memory g) {
        g = f;
        g.k1 = h.algorithm == -47;
        g.device = DeviceId.unwrap(h.device);
        (g.epoch, g.seq, g.prev, g.time, g.clock) = (h.epoch, h.seq, h.prev, h.time, h.clock);
        (g.name, g.unit, g.value, g.meterTime) = (_text(m.name), _text(m.unit), m.value, m.time);
    }

    function _text(bytes32 word) private pure returns (bytes memory) {
        uint256 length = 0;
        while (length < 32 && word[length] != 0) ++length;
        return _slice(abi.encode(word), 0, length);
    }

    /// @dev Where epoch (0), seq (1), time (2) and uptime (3) stand in a built frame.
    function _offset(Fields memory f, uint256 item) private pure returns (uint256 offset) {
        offset = f.k1 ? 53 : 52;
        if (item > 0) offset += FrameBuilder.head(0, f.epoch).length;
        if (item > 1) offset += FrameBuilder.head(0, f.seq).length + 34;
        if (item > 2) offset += FrameBuilder.head(0, f.time).length + 1;
    }

    /// @dev An unsigned integer in `width` bytes, whatever its shortest form.
    function _wide(uint256 value, uint256 width) private pure returns (bytes memory) {
        if (width == 2) return abi.encodePacked(uint8(24), uint8(value));
        if (width == 3) return abi.encodePacked(uint8(25), uint16(value));
        if (width == 5) return abi.encodePacked(uint8(26), uint32(value));
        return abi.encodePacked(uint8(27), uint64(value));
    }

    function _slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) part[i - from] = data[i];
    }

    function _expectRefused(bytes memory frame) private view {
        try _reader.readMeter(frame) {
            check(false, "read");
        } catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            bool typed = selector == IFrameReader.FrameMalformed.selector;
            check(typed || selector == IFrameReader.FrameNotMeter.selector, "an error without type");
        }
    }
}
