// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { AnchorLog } from "../../../contracts/telemetry/AnchorLog.sol";
import { Anchor, Head } from "../../../contracts/telemetry/IAnchorLog.sol";
import { TestBase } from "../TestBase.sol";
import { AnchorWorld } from "./AnchorWorld.sol";

/// @notice The named invariants of telemetry (docs/invariants.md), after every act of {AnchorWorld}. A run anchors up to
/// 2,200 batches, so there are fewer runs than elsewhere.
contract TelemetryInvariants is TestBase {
    AnchorWorld private _world;
    AnchorLog private _log;

    function setUp() external {
        _world = new AnchorWorld();
        _log = _world.LOG();
        target(address(_world));
    }

    /// @notice TEL-1
    /// hardhat-config: invariant.runs = 8
    function invariant_headCountsWhatWasAnchored() external view {
        for (uint256 i = 0; i < _world.STREAMS(); ++i) {
            Head memory h = _world.headOf(i);
            check(h.next == _world.batchesOf(i) && h.size == _world.sizeOf(i), "another head");
            check(h.key == _world.keyOf(i), "another key");
        }
    }

    /// @notice TEL-2
    /// hardhat-config: invariant.runs = 8
    function invariant_batchesAreContiguous() external view {
        for (uint256 i = 0; i < _world.STREAMS(); ++i) {
            uint256 batches = _world.batchesOf(i);
            if (batches < 2) continue;
            Anchor memory before = _world.anchorAt(i, batches - 2);
            Anchor memory last = _world.anchorAt(i, batches - 1);
            check(last.batch == before.batch + 1 && last.first == before.first + before.count, "a gap");
        }
    }

    /// @notice TEL-3: first and last batch of the ring and of every epoch, and one in the middle.
    /// hardhat-config: invariant.runs = 8
    function invariant_everyBatchIsProvableAndNoOther() external view {
        for (uint256 i = 0; i < _world.STREAMS(); ++i) {
            uint256 batches = _world.batchesOf(i);
            if (batches == 0) continue;
            uint256 oldest = batches > 1024 ? batches - 1024 : 0;
            _checkProof(i, oldest, new bytes32[](0));
            _checkProof(i, batches - 1, new bytes32[](0));
            for (uint256 epoch = 0; epoch < _world.epochsOf(i); ++epoch) {
                uint256 middle = 1024 * epoch + (batches % 1024);
                _checkProof(i, 1024 * epoch, _world.pathOf(i, 1024 * epoch));
                _checkProof(i, middle, _world.pathOf(i, middle));
                _checkProof(i, 1024 * epoch + 1023, _world.pathOf(i, 1024 * epoch + 1023));
            }
        }
    }

    /// @notice TEL-4
    /// hardhat-config: invariant.runs = 8
    function invariant_anchoredRootsNeverChange() external view {
        for (uint256 i = 0; i < _world.STREAMS(); ++i) {
            uint32 epochs = uint32(_world.epochsOf(i));
            for (uint32 epoch = 0; epoch < epochs; ++epoch) {
                check(_log.epochRoot(_world.idOf(i), epoch) == _world.rootOf(i, epoch), "another epoch root");
            }
            check(_log.epochRoot(_world.idOf(i), epochs) == 0, "sealed too early");
        }
    }

    /// @notice TEL-5: besides head and ring, one slot in 1,024 anchors.
    /// hardhat-config: invariant.runs = 8
    function invariant_stateGrowsByOneSlotAnEpoch() external view {
        for (uint256 i = 0; i < _world.STREAMS(); ++i) {
            uint256 batches = _world.batchesOf(i);
            uint256 ring = batches < 1024 ? batches : 1024;
            check(_world.slotsOf(i) <= 1 + ring + batches / 1024, "too many slots");
        }
    }

    /// @notice TEL-6
    /// hardhat-config: invariant.runs = 8
    function invariant_foldedHourNeverOutlastsTheTerm() external view {
        for (uint256 i = 0; i < _world.STREAMS(); ++i) {
            Head memory h = _world.headOf(i);
            Term memory term = _world.CONSORTIUM().termOf(h.key, Role.Anchor);
            check(h.untilHour == term.until / 1 hours, "another hour");
        }
    }

    function _checkProof(uint256 stream, uint256 batch, bytes32[] memory path) private view {
        Anchor memory a = _world.anchorAt(stream, batch);
        _log.requireAnchored(_world.idOf(stream), a, path);
        a.framesRoot = keccak256(abi.encode(a.framesRoot));
        try _log.requireAnchored(_world.idOf(stream), a, path) {
            check(false, "another root was anchored too");
        } catch {}
    }
}
