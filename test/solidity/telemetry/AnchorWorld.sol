// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { OrgId, StreamId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { AnchorLog } from "../../../contracts/telemetry/AnchorLog.sol";
import { Anchor, Head } from "../../../contracts/telemetry/IAnchorLog.sol";
import { TestBase } from "../TestBase.sol";
import { Reference } from "../common/Reference.sol";

/// @notice An anchor log under random use, and beside it a plain model: the list of everything that was anchored, and
/// whether the stream's key may anchor now. Every act must succeed exactly when the model says so.
contract AnchorWorld is TestBase {
    struct Model {
        address key;
        uint40 size;
        Anchor[] anchors;
        bytes32[][] epochs; // per sealed epoch its tree, level by level in one list, leaves first
        uint256 slots; // storage slots the stream's anchors have written
    }

    uint256 public constant STREAMS = 2;
    uint256 public constant ACCOUNTS = 4;
    uint256 private constant _MOST = 2_200; // anchors in a run: more than two epochs

    Consortium public immutable CONSORTIUM;
    AnchorLog public immutable LOG;
    OrgId public immutable ORG;

    mapping(uint256 stream => Model) private _models;
    mapping(bytes32 slot => bool) private _written;
    uint256 private _total;

    constructor() {
        vm.warp(1_800_000_000);
        address authority = address(new AccessManager(address(this)));
        CONSORTIUM = new Consortium(authority);
        LOG = new AnchorLog(CONSORTIUM, authority);
        CONSORTIUM.setRoleListener(Role.Anchor, LOG);
        ORG = CONSORTIUM.admit("oracle", 0);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            CONSORTIUM.addSignatory(ORG, accountAt(i));
            grant(i, 300 days);
        }
        for (uint256 i = 0; i < STREAMS; ++i) {
            _models[i].key = accountAt(i);
            LOG.openStream(accountAt(i));
        }
    }

    // ---------------------------------------------------------------- acts

    function pass(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 40 days));
    }

    function grant(uint256 accountSeed, uint256 length) public {
        uint40 until = uint40(block.timestamp + within(length, 1, 400 days));
        try CONSORTIUM.grantRole(accountAt(accountSeed), Role.Anchor, until, 0) {} catch {}
    }

    function forfeit(uint256 accountSeed) external {
        vm.prank(accountAt(accountSeed));
        try CONSORTIUM.forfeit(Role.Anchor) {} catch {}
    }

    function suspendOrReinstate(bool back) external {
        try CONSORTIUM.suspend(ORG) {} catch {
            if (back) CONSORTIUM.reinstate(ORG);
        }
    }

    function setKey(uint256 streamSeed, uint256 accountSeed) external {
        uint256 stream = streamSeed % STREAMS;
        address account = accountAt(accountSeed);
        bool expected = CONSORTIUM.hasRole(account, Role.Anchor);
        for (uint256 i = 0; i < STREAMS; ++i) expected = expected && _models[i].key != account;
        try LOG.setKey(idOf(stream), account) {
            check(expected, "key set against the rules");
            _models[stream].key = account;
        } catch {
            check(!expected, "key refused");
        }
    }

    /// @notice Anchors some batches one after another, as the stream's key; mostly with its role renewed, or no run
    /// would come to a full ring.
    function anchor(uint256 streamSeed, uint256 batches, uint32 count) external {
        uint256 stream = (streamSeed % 5) / 4; // four in five to the first stream
        if (batches % 4 != 0) _renew(_models[stream].key);
        batches = within(batches, 1, 700);
        for (uint256 i = 0; i < batches && _total < _MOST; ++i) {
            Anchor memory a = _next(stream, uint32(within(count, 1, 2_000)));
            if (!_anchor(stream, _models[stream].key, a, mayAnchor(stream))) return;
        }
    }

    /// @notice Tries an anchor with one thing wrong.
    function anchorWrongly(uint256 streamSeed, uint256 fault, uint32 by) external {
        uint256 stream = streamSeed % STREAMS;
        Anchor memory a = _next(stream, 5);
        address sender = _models[stream].key;
        by = uint32(within(by, 1, type(uint32).max));
        unchecked {
            if (fault % 6 == 0)
                sender = accountAt(fault / 6) == sender ? address(this) : accountAt(fault / 6);
            else if (fault % 6 == 1) a.batch += by;
            else if (fault % 6 == 2) a.first += by;
            else if (fault % 6 == 3) a.count = 0;
            else if (fault % 6 == 4) a.minTime = a.maxTime + by;
            else a.maxTime = uint40(block.timestamp + LOG.MAX_CLOCK_AHEAD() + by);
        }
        _anchor(stream, sender, a, false);
    }

    function _renew(address key) private {
        try CONSORTIUM.reinstate(ORG) {} catch {}
        CONSORTIUM.grantRole(key, Role.Anchor, uint40(block.timestamp + 30 days), 0);
    }

    function _anchor(uint256 stream, address sender, Anchor memory a, bool expected) private returns (bool) {
        Model storage m = _models[stream];
        vm.record();
        vm.prank(sender);
        try LOG.anchor(idOf(stream), a) {
            check(expected, "anchored against the rules");
        } catch {
            check(!expected, "anchor refused");
            return false;
        }
        (, bytes32[] memory writes) = vm.accesses(address(LOG));
        for (uint256 i = 0; i < writes.length; ++i) {
            if (!_written[writes[i]]) m.slots++;
            _written[writes[i]] = true;
        }
        m.anchors.push(a);
        m.size += a.count;
        _total++;
        if (m.anchors.length % 1024 == 0) _sealModel(stream);
        return true;
    }

    /// @dev The whole tree of the last epoch, so that its paths are read off.
    function _sealModel(uint256 stream) private {
        Model storage m = _models[stream];
        bytes32[] storage tree = m.epochs.push();
        bytes32[] memory level = new bytes32[](1024);
        for (uint256 i = 0; i < 1024; ++i) {
            Anchor memory a = m.anchors[m.anchors.length - 1024 + i];
            level[i] = Reference.leaf(abi.encode(keccak256(abi.encode(idOf(stream), a))));
            tree.push(level[i]);
        }
        for (uint256 width = 512; width > 0; width /= 2) {
            for (uint256 i = 0; i < width; ++i) {
                level[i] = Reference.node(level[2 * i], level[2 * i + 1]);
                tree.push(level[i]);
            }
        }
    }

    function _next(uint256 stream, uint32 count) private view returns (Anchor memory a) {
        Model storage m = _models[stream];
        a.batch = uint32(m.anchors.length);
        a.first = m.size;
        a.count = count;
        a.minTime = uint40(block.timestamp - 1);
        a.maxTime = uint40(block.timestamp);
        a.framesRoot = keccak256(abi.encode(stream, a.batch, "frames"));
        a.headsRoot = keccak256(abi.encode(stream, a.batch, "heads"));
        a.rejectsRoot = keccak256(abi.encode(stream, a.batch, "rejects"));
    }

    // ---------------------------------------------------------------- the model

    function accountAt(uint256 seed) public pure returns (address) {
        return address(uint160(0xA000 + (seed % ACCOUNTS)));
    }

    function idOf(uint256 stream) public pure returns (StreamId) {
        return StreamId.wrap(uint32(stream + 1));
    }

    /// @notice By the consortium's own word, cut to the full hour.
    function mayAnchor(uint256 stream) public view returns (bool) {
        Term memory term = CONSORTIUM.termOf(_models[stream].key, Role.Anchor);
        return block.timestamp < (term.until / 1 hours) * 1 hours;
    }

    function keyOf(uint256 stream) external view returns (address) {
        return _models[stream].key;
    }

    function sizeOf(uint256 stream) external view returns (uint40) {
        return _models[stream].size;
    }

    function slotsOf(uint256 stream) external view returns (uint256) {
        return _models[stream].slots;
    }

    function batchesOf(uint256 stream) external view returns (uint256) {
        return _models[stream].anchors.length;
    }

    function anchorAt(uint256 stream, uint256 batch) external view returns (Anchor memory) {
        return _models[stream].anchors[batch];
    }

    function epochsOf(uint256 stream) external view returns (uint256) {
        return _models[stream].epochs.length;
    }

    function rootOf(uint256 stream, uint256 epoch) external view returns (bytes32) {
        return _models[stream].epochs[epoch][2046];
    }

    /// @notice The path of a batch under its sealed epoch.
    function pathOf(uint256 stream, uint256 batch) external view returns (bytes32[] memory path) {
        bytes32[] storage tree = _models[stream].epochs[batch / 1024];
        path = new bytes32[](10);
        uint256 index = batch % 1024;
        uint256 start = 0;
        for (uint256 i = 0; i < 10; ++i) {
            path[i] = tree[start + (index ^ 1)];
            start += 1024 >> i;
            index /= 2;
        }
    }

    function headOf(uint256 stream) external view returns (Head memory) {
        return LOG.head(idOf(stream));
    }
}
