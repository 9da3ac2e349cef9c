// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { Context } from "@openzeppelin/contracts/utils/Context.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { OrgId } from "../../../contracts/common/Ids.sol";
import { ActsForOrganisation } from "../../../contracts/consortium/ActsForOrganisation.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { IConsortium, Role } from "../../../contracts/consortium/IConsortium.sol";
import { TestBase } from "../TestBase.sol";

/// @notice OpenZeppelin's token as it is, held by organisations.
contract Coin is ERC20, ActsForOrganisation {
    constructor(IConsortium consortium, address to) ERC20("Coin", "C") ActsForOrganisation(consortium) {
        _mint(to, 1_000_000);
    }

    function _msgSender() internal view override(Context, ActsForOrganisation) returns (address) {
        return super._msgSender();
    }
}

/// @notice Standard token calls by treasurers, former treasurers and strangers.
contract ActsForOrganisationTest is TestBase {
    address private constant _TREASURER = address(0xA);
    address private constant _SUCCESSOR = address(0xB);
    address private constant _CLERK = address(0xC);
    address private constant _STRANGER = address(0xD);

    Consortium private _consortium;
    OrgId private _org;
    address private _holder;
    Coin private _coin;

    function setUp() external {
        vm.warp(1_800_000_000);
        _consortium = new Consortium(address(new AccessManager(address(this))));
        _org = _consortium.admit("one", 0);
        _holder = _org.holder();
        _coin = new Coin(_consortium, _holder);
        _consortium.addSignatory(_org, _TREASURER);
        _consortium.addSignatory(_org, _CLERK);
        _grant(_TREASURER, Role.Treasurer);
        _grant(_CLERK, Role.Manufacturer);
    }

    function testFuzz_aTreasurerMovesTheOrganisationsBalance(address to, uint256 amount) external {
        vm.assume(to != address(0) && to != _holder);
        amount = within(amount, 0, 1_000_000);
        vm.prank(_TREASURER);
        check(_coin.transfer(to, amount), "refused");
        check(_coin.balanceOf(_holder) == 1_000_000 - amount, "the organisation's balance");
        check(_coin.balanceOf(to) == amount, "the other balance");
    }

    function testFuzz_anybodyElseActsAsItself(address caller, uint256 amount) external {
        vm.assume(caller != address(0) && caller != _TREASURER && caller != _holder);
        amount = within(amount, 1, type(uint256).max);
        _expectPoor(caller, amount);
        check(_coin.balanceOf(_holder) == 1_000_000, "the organisation's balance");
    }

    function test_anotherRoleIsNotEnough() external {
        _expectPoor(_CLERK, 1);
    }

    function test_theHandChangesAndNoBalanceMoves() external {
        _consortium.removeSignatory(_TREASURER);
        _consortium.addSignatory(_org, _SUCCESSOR);
        _grant(_SUCCESSOR, Role.Treasurer);
        _expectPoor(_TREASURER, 1);
        vm.prank(_SUCCESSOR);
        _coin.transfer(_STRANGER, 7);
        check(_coin.balanceOf(_holder) == 999_993 && _coin.balanceOf(_STRANGER) == 7, "balances");
    }

    function test_theEndOfTheRoleEndsTheHand() external {
        _consortium.suspend(_org);
        _expectPoor(_TREASURER, 1);
        _consortium.reinstate(_org);
        vm.prank(_TREASURER);
        _coin.transfer(_STRANGER, 1);
        vm.prank(_TREASURER);
        _consortium.forfeit(Role.Treasurer);
        _expectPoor(_TREASURER, 1);
        _grant(_TREASURER, Role.Treasurer);
        vm.warp(block.timestamp + 10 days);
        _expectPoor(_TREASURER, 1);
        check(_coin.balanceOf(_holder) == 999_999, "the organisation's balance");
    }

    function test_anAllowanceIsTheOrganisations() external {
        vm.prank(_TREASURER);
        _coin.approve(_STRANGER, 50);
        check(_coin.allowance(_holder, _STRANGER) == 50, "the organisation's allowance");
        check(_coin.allowance(_TREASURER, _STRANGER) == 0, "the treasurer's allowance");
        vm.prank(_STRANGER);
        _coin.transferFrom(_holder, _STRANGER, 50);
        check(_coin.balanceOf(_STRANGER) == 50, "balance");
    }

    function test_aSpenderThatIsATreasurerSpendsForItsOrganisation() external {
        vm.prank(_TREASURER);
        _coin.transfer(_STRANGER, 100);
        vm.prank(_STRANGER);
        _coin.approve(_holder, 60);
        vm.prank(_TREASURER);
        _coin.transferFrom(_STRANGER, _holder, 60);
        check(_coin.balanceOf(_holder) == 999_960, "balance");
    }

    function _grant(address account, Role role) private {
        uint40 until = uint40(block.timestamp) + 10 days;
        _consortium.grantRole(account, role, until, type(uint128).max);
    }

    /// @dev The caller is asked for its own money, and it has none.
    function _expectPoor(address caller, uint256 amount) private {
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, caller, 0, amount)
        );
        vm.prank(caller);
        _coin.transfer(address(0xE), amount);
    }
}
