// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EncumbranceId, OrderId, OrgId } from "../../../contracts/common/Ids.sol";
import { Encumbrances } from "../../../contracts/consortium/Encumbrances.sol";
import {
    Encumbrance,
    EncumbranceKind,
    IEncumberable,
    IEncumbrances
} from "../../../contracts/consortium/IEncumbrances.sol";
import { OrderScope, OrderStatus } from "../../../contracts/consortium/IOrders.sol";
import { Orders } from "../../../contracts/consortium/Orders.sol";
import { ExampleGoods } from "../../../contracts/examples/ExampleGoods.sol";
import { TestBase } from "../TestBase.sol";
import { AssetsWorld } from "./AssetsWorld.sol";
import { HostileModule, Mischief } from "./HostileModule.sol";

/// @notice A hostile module hurts its own assets, and nobody else's.
contract HostileModuleTest is TestBase {
    bytes32 private constant _ASSET = "asset";
    bytes32 private constant _OTHER = "other";

    AssetsWorld private _world;
    Encumbrances private _encumbrances;
    Orders private _orders;
    ExampleGoods private _register;
    HostileModule private _hostile;
    address private _keeper; // of organisation 2, which holds the module's assets and all goods
    address private _treasurer; // of organisation 3, the beneficiary

    function setUp() external {
        _world = new AssetsWorld();
        (_encumbrances, _orders) = (_world.encumbrances(), _world.orders());
        (_register, _hostile) = (_world.register(), _world.hostile());
        (_keeper, _treasurer) = (_world.accountAt(2), _world.accountAt(5));
    }

    function test_aLyingModuleBindsNothingOfItsVictim() external {
        OrgId victim = _world.orgAt(3);
        _turn(Mischief.LieAboutHolder, victim.holder(), "");
        bytes memory refusal = abi.encodeWithSelector(
            IEncumbrances.AssetKeeperRefused.selector,
            address(_hostile),
            _ASSET,
            _keeper
        );
        check(keccak256(_refusalOf(_ASSET, 1)) == keccak256(refusal), "another refusal");
        check(!_encumbrances.isEncumbered(address(_hostile), _ASSET), "bound");
    }

    function test_aModuleThatRevertsStopsOnlyItsOwn() external {
        uint64 order = _issue(OrderScope.Hold, address(_hostile), _ASSET);
        Mischief[3] memory turns = [Mischief.RevertOnQuestion, Mischief.RevertOnLock, Mischief.AnswerGarbage];
        for (uint256 i = 0; i < turns.length; ++i) {
            _turn(turns[i], address(0), "");
            _refusalOf(_ASSET, 1);
            check(!_tryHold(order, _ASSET), "held");
            check(!_encumbrances.isEncumbered(address(_hostile), _ASSET), "half bound");
            check(!_encumbrances.isHeld(OrderId.wrap(order)), "half held");
        }
        _placeOnGoods(1);
        check(_register.isLocked(_world.goodAt(0)), "goods cannot be bound");
        bytes32 good = _world.goodAt(0);
        vm.prank(_treasurer);
        _encumbrances.release(address(_register), good, EncumbranceId.wrap(1));
        check(!_register.isLocked(_world.goodAt(0)), "goods cannot be freed");
    }

    function test_aModuleThatKeepsItsLockKeepsOnlyItsOwn() external {
        _place(_ASSET, 1);
        _turn(Mischief.RevertOnLock, address(0), "");
        vm.prank(_treasurer);
        vm.expectRevert(abi.encodeWithSelector(HostileModule.Hostile.selector));
        _encumbrances.release(address(_hostile), _ASSET, EncumbranceId.wrap(1));
        check(_encumbrances.isEncumbered(address(_hostile), _ASSET), "half freed");
        _turn(Mischief.None, address(0), "");
        vm.prank(_treasurer);
        _encumbrances.release(address(_hostile), _ASSET, EncumbranceId.wrap(1));
        check(!_hostile.locked(), "still locked");
    }

    function test_reenteringFindsThePlacingDone() external {
        bytes memory again = abi.encodeCall(
            _encumbrances.hold,
            (address(_hostile), _ASSET, OrderId.wrap(_issue(OrderScope.Hold, address(_hostile), _ASSET)))
        );
        _turn(Mischief.ReenterOnLock, address(0), again);
        _place(_ASSET, 1);
        check(_hostile.reentries() == 1 && _hostile.lastReentry(), "did not re-enter");
        check(_encumbrances.holdsOf(address(_hostile), _ASSET) == 1, "the hold is lost");
        check(_encumbrances.encumbrancesOf(address(_hostile), _ASSET).length == 1, "the encumbrance is lost");
        check(_hostile.locked(), "not locked");
        vm.prank(_treasurer);
        _encumbrances.release(address(_hostile), _ASSET, EncumbranceId.wrap(1));
        check(_hostile.locked(), "freed while a hold stands");
    }

    function test_reenteringUsesNoOrderTwice() external {
        _place(_ASSET, 1);
        _place(_ASSET, 2);
        EncumbranceId first = EncumbranceId.wrap(1);
        bytes32 subject = keccak256(abi.encode(address(_hostile), _ASSET, first));
        uint64 order = _issue(OrderScope.Force, address(_encumbrances), subject);
        vm.prank(_world.accountAt(10));
        _orders.confirm(OrderId.wrap(order));
        vm.prank(_treasurer);
        _encumbrances.release(address(_hostile), _ASSET, EncumbranceId.wrap(2));
        bytes memory strike = abi.encodeCall(
            _encumbrances.strike,
            (address(_hostile), _ASSET, first, OrderId.wrap(order))
        );
        _turn(Mischief.ReenterOnLock, address(0), strike);
        (bool done, ) = address(_encumbrances).call(strike);
        check(done && _hostile.reentries() == 1 && !_hostile.lastReentry(), "struck twice");
        check(_orders.statusOf(OrderId.wrap(order)) == OrderStatus.Consumed, "order not used up");
        check(!_encumbrances.isEncumbered(address(_hostile), _ASSET), "still bound");
    }

    function test_reenteringReleasesNothingOfOthers() external {
        _placeOnGoods(1);
        bytes memory release = abi.encodeCall(
            _encumbrances.release,
            (address(_register), _world.goodAt(0), EncumbranceId.wrap(1))
        );
        _turn(Mischief.ReenterOnLock, address(0), release);
        _place(_ASSET, 1);
        check(_hostile.reentries() == 1 && !_hostile.lastReentry(), "released another's");
        check(_register.isLocked(_world.goodAt(0)), "unlocked another's");
    }

    function test_aModuleTurnsNoOthersLock() external {
        bytes32 good = _world.goodAt(0);
        vm.expectRevert(abi.encodeWithSelector(ExampleGoods.LockSourceRefused.selector, address(_hostile)));
        vm.prank(address(_hostile));
        _register.onEncumbered(good, true);
    }

    function test_theRegisterAdmitsNoContractThatIsNoModule() external {
        address[3] memory wrong = [address(_encumbrances), address(_orders), address(0xBEEF)];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.prank(address(_world));
            try _encumbrances.admitModule(IEncumberable(wrong[i])) {
                check(false, "admitted");
            } catch {
                (bool admitted, ) = _encumbrances.moduleOf(wrong[i]);
                check(!admitted, "half admitted");
            }
        }
    }

    /// @notice Whatever the number of the asset and however many are bound, two modules never share a line.
    function testFuzz_modulesShareNothing(bytes32 asset, uint8 count) external {
        count = uint8(within(count, 1, 8));
        for (uint8 rank = 1; rank <= count; ++rank) _place(asset, rank);
        check(!_encumbrances.isEncumbered(address(_register), asset), "another module's asset is bound");
        Encumbrance[] memory line = _encumbrances.encumbrancesOf(address(_hostile), asset);
        check(line.length == count, "length");
        bytes memory refusal =
            count == 8
                ? abi.encodeWithSelector(IEncumbrances.RanksFull.selector, address(_hostile), asset)
                : abi.encodeWithSelector(
                    IEncumbrances.RankTaken.selector,
                    address(_hostile),
                    asset,
                    count,
                    count + 1
                );
        check(keccak256(_refusalOf(asset, count)) == keccak256(refusal), "another refusal");
    }

    /// @notice No view reverts, whatever it is asked.
    function testFuzz_viewsNeverRevert(address module, bytes32 asset, uint64 order, uint32 id) external view {
        _encumbrances.isEncumbered(module, asset);
        _encumbrances.encumbrancesOf(module, asset);
        _encumbrances.encumbranceOf(module, asset, EncumbranceId.wrap(id));
        _encumbrances.holdsOf(module, asset);
        _encumbrances.isHeld(OrderId.wrap(order));
        _encumbrances.moduleOf(module);
        _encumbrances.binderOf(module);
        _orders.statusOf(OrderId.wrap(order));
        _orders.orderOf(OrderId.wrap(order));
        _orders.isActive(OrderId.wrap(order), OrderScope(order % 4), module, asset);
        _world.eligibility().explain(module, uint8(id));
        _world.eligibility().explainPair(module, address(uint160(uint256(asset))), uint8(id));
        _world.eligibility().recordOf(module);
        _world.eligibility().freezesOf(module);
    }

    function _turn(Mischief mischief, address victim, bytes memory call) private {
        _hostile.turn(mischief, victim, address(_encumbrances), call);
    }

    function _place(bytes32 asset, uint8 rank) private {
        uint40 until = uint40(block.timestamp + 30 days);
        OrgId beneficiary = _world.orgAt(2);
        vm.prank(_keeper);
        _encumbrances.place(address(_hostile), asset, EncumbranceKind.Pledge, beneficiary, rank, until);
    }

    function _placeOnGoods(uint8 rank) private {
        uint40 until = uint40(block.timestamp + 30 days);
        (OrgId beneficiary, bytes32 good) = (_world.orgAt(2), _world.goodAt(0));
        vm.prank(_keeper);
        _encumbrances.place(address(_register), good, EncumbranceKind.Pledge, beneficiary, rank, until);
    }

    function _refusalOf(bytes32 asset, uint8 rank) private returns (bytes memory refusal) {
        (bool done, bytes memory data) = _tryPlace(asset, rank);
        check(!done, "placed");
        return data;
    }

    function _tryPlace(bytes32 asset, uint8 rank) private returns (bool done, bytes memory data) {
        uint40 until = uint40(block.timestamp + 30 days);
        bytes memory call = abi.encodeCall(
            _encumbrances.place,
            (address(_hostile), asset, EncumbranceKind.Pledge, _world.orgAt(2), rank, until)
        );
        vm.prank(_keeper);
        (done, data) = address(_encumbrances).call(call);
    }

    function _tryHold(uint64 order, bytes32 asset) private returns (bool done) {
        (done, ) = address(_encumbrances).call(
            abi.encodeCall(_encumbrances.hold, (address(_hostile), asset, OrderId.wrap(order)))
        );
    }

    function _issue(OrderScope scope, address module, bytes32 subject) private returns (uint64) {
        uint40 until = uint40(block.timestamp + 30 days);
        vm.prank(_world.accountAt(8));
        return OrderId.unwrap(_orders.issue("paper", scope, module, subject, until));
    }
}
