// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { Context } from "@openzeppelin/contracts/utils/Context.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { OrgId } from "../../../contracts/common/Ids.sol";
import { ActsForOrganisation } from "../../../contracts/consortium/ActsForOrganisation.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { IConsortium, Role } from "../../../contracts/consortium/IConsortium.sol";
import { SignedActs } from "../../../contracts/consortium/SignedActs.sol";
import { TestBase } from "../TestBase.sol";
import { Wallet1271 } from "./Wallet1271.sol";

/// @notice A token whose holders act by call or by signature, for themselves or as treasurers.
contract SignedCoin is ERC20, SignedActs, ActsForOrganisation {
    constructor(
        IConsortium consortium,
        address to
    ) ERC20("Coin", "C") EIP712("Coin", "1") ActsForOrganisation(consortium) {
        _mint(to, 1_000_000);
    }

    function _msgSender() internal view override(Context, SignedActs, ActsForOrganisation) returns (address) {
        return ActsForOrganisation._msgSender();
    }

    function _msgData() internal view override(Context, SignedActs) returns (bytes calldata) {
        return SignedActs._msgData();
    }

    function _contextSuffixLength() internal view override(Context, SignedActs) returns (uint256) {
        return SignedActs._contextSuffixLength();
    }
}

/// @notice Signed acts with random keys, contents and faults; contracts that sign; treasurers that sign.
contract SignedActsTest is TestBase {
    uint256 private constant _START = 1_800_000_000;
    address private constant _TO = address(0xE);

    Consortium private _consortium;
    SignedCoin private _coin;
    OrgId private _org;

    function setUp() external {
        vm.warp(_START);
        _consortium = new Consortium(address(new AccessManager(address(this))));
        _org = _consortium.admit("one", 0);
        _coin = new SignedCoin(_consortium, _org.holder());
    }

    function testFuzz_aTreasurersSignatureMovesTheOrganisationsMoney(uint256 key, uint256 amount) external {
        address treasurer = _treasurer(key);
        amount = within(amount, 0, 1_000_000);
        bytes memory result = _act(key, _transfer(amount), 0, _START);
        check(abi.decode(result, (bool)), "another result");
        check(_coin.balanceOf(_TO) == amount, "the receiver's balance");
        check(_coin.balanceOf(_org.holder()) == 1_000_000 - amount, "the organisation's balance");
        check(_coin.balanceOf(treasurer) == 0, "the treasurer's balance");
    }

    function testFuzz_aStrangersSignatureMovesOnlyItsOwn(uint256 key, uint256 amount) external {
        address stranger = vm.addr(_key(key));
        _treasurer(uint256(keccak256(abi.encode(key))));
        vm.prank(vm.addr(_key(uint256(keccak256(abi.encode(key))))));
        _coin.transfer(stranger, 10);
        amount = within(amount, 0, 10);
        _act(key, _transfer(amount), 0, _START);
        check(_coin.balanceOf(stranger) == 10 - amount, "the stranger's balance");
        check(_coin.balanceOf(_org.holder()) == 999_990, "the organisation's balance");
    }

    function testFuzz_aSignatureIsOfOneChain(uint256 key, uint64 chainId) external {
        vm.assume(chainId != 0 && chainId != block.chainid);
        _treasurer(key);
        bytes memory signature = _sign(key, _transfer(1), 0, _START);
        vm.chainId(chainId);
        check(!_try(key, _transfer(1), 0, _START, signature), "took the signature of another chain");
        signature = _sign(key, _transfer(1), 0, _START);
        check(_try(key, _transfer(1), 0, _START, signature), "the domain did not follow the chain");
    }

    function testFuzz_aSignatureIsOfOneContract(uint256 key) external {
        _treasurer(key);
        bytes memory signature = _sign(key, _transfer(1), 0, _START);
        _coin = new SignedCoin(_consortium, _org.holder());
        check(!_try(key, _transfer(1), 0, _START, signature), "took the signature for another contract");
    }

    function testFuzz_randomBytesAreNoSignature(address signer, bytes calldata signature) external {
        bytes32 digest = _coin.actDigest(signer, _transfer(1), 0, _START);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.ActSignatureInvalid.selector, signer, digest));
        _coin.act(signer, _transfer(1), 0, _START, signature);
    }

    function testFuzz_noncesOfAKeyComeInOrder(uint256 key, uint192 lane, uint8 acts, uint64 wrong) external {
        _treasurer(key);
        uint256 first = uint256(lane) << 64;
        acts = acts % 5;
        for (uint256 i = 0; i < acts; ++i) _act(key, _transfer(1), first | i, _START);
        vm.assume(wrong != acts);
        bytes memory signature = _sign(key, _transfer(1), first | wrong, _START);
        check(!_try(key, _transfer(1), first | wrong, _START, signature), "out of order");
        check(_coin.nonces(vm.addr(_key(key)), lane) == first | acts, "another nonce");
        check(_coin.balanceOf(_TO) == acts, "another number of transfers");
    }

    /// @notice A contract's signature (ERC-1271) counts while the contract stands by it.
    function testFuzz_aContractSigns(uint256 key, uint256 other, bool locked) external {
        vm.assume(_key(key) != _key(other));
        Wallet1271 wallet = new Wallet1271(vm.addr(_key(key)));
        _enrol(address(wallet));
        bytes32 digest = _coin.actDigest(address(wallet), _transfer(5), 0, _START);
        if (locked) wallet.lock();
        check(!_tryFor(address(wallet), _raw(other, digest)), "took another key's signature");
        check(_tryFor(address(wallet), _raw(key, digest)) == !locked, "the contract's word");
        check(_coin.balanceOf(_TO) == (locked ? 0 : 5), "balance");
        check(!_tryFor(address(wallet), _raw(key, digest)), "a signature worked twice");
    }

    function _key(uint256 seed) private pure returns (uint256) {
        return within(seed, 1, type(uint248).max);
    }

    function _treasurer(uint256 key) private returns (address account) {
        account = vm.addr(_key(key));
        _enrol(account);
    }

    function _enrol(address account) private {
        _consortium.addSignatory(_org, account);
        _consortium.grantRole(account, Role.Treasurer, uint40(_START + 10 days), type(uint128).max);
    }

    function _transfer(uint256 amount) private view returns (bytes memory) {
        return abi.encodeCall(_coin.transfer, (_TO, amount));
    }

    function _sign(
        uint256 key,
        bytes memory call,
        uint256 nonce,
        uint256 deadline
    ) private view returns (bytes memory) {
        return _raw(key, _coin.actDigest(vm.addr(_key(key)), call, nonce, deadline));
    }

    function _raw(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(key), digest);
        return abi.encodePacked(r, s, v);
    }

    function _act(
        uint256 key,
        bytes memory call,
        uint256 nonce,
        uint256 deadline
    ) private returns (bytes memory) {
        return _coin.act(vm.addr(_key(key)), call, nonce, deadline, _sign(key, call, nonce, deadline));
    }

    function _try(
        uint256 key,
        bytes memory call,
        uint256 nonce,
        uint256 deadline,
        bytes memory signature
    ) private returns (bool) {
        try _coin.act(vm.addr(_key(key)), call, nonce, deadline, signature) {
            return true;
        } catch {
            return false;
        }
    }

    function _tryFor(address signer, bytes memory signature) private returns (bool) {
        try _coin.act(signer, _transfer(5), 0, _START, signature) {
            return true;
        } catch {
            return false;
        }
    }
}
