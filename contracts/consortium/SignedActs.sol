// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Context } from "@openzeppelin/contracts/utils/Context.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { NoncesKeyed } from "@openzeppelin/contracts/utils/NoncesKeyed.sol";

/// @title SignedActs
/// @notice Lets any act on a contract be done by a signature that somebody else brings: a supplier without a node signs
/// `Act(address signer,bytes call,uint256 nonce,uint256 deadline)` and anyone may relay it. The act is then the signer's
/// in every respect, and refused for the same reasons.
///
/// - The signature is good for this contract, this chain (the EIP-712 domain), this call, once (nonce), up to and with
///   the second `deadline`. Signers may be keys or contracts (ERC-1271).
/// - Nonces are keyed (`key << 64 | count`): acts of one key go in order, acts of different keys do not wait for
///   each other. `nonces(signer, key)` tells the next one.
/// - A refused act reverts with its own reason and uses no nonce.
/// @dev The contract calls itself with `call ‖ signer`, and takes the signer from there: it is its own trusted forwarder,
/// without delegatecall. Hence the rules for heirs: read `_msgSender()` and never `msg.sender`, never call a function of
/// one's own from outside (`this.f()`), never combine with Multicall or another forwarder.
abstract contract SignedActs is Context, EIP712, NoncesKeyed {
    bytes32 private constant _ACT = keccak256(
        "Act(address signer,bytes call,uint256 nonce,uint256 deadline)"
    );

    event ActRelayed(address indexed signer, address indexed relayer, bytes4 indexed selector, uint256 nonce);

    error ActNested();
    error ActEmpty(uint256 length);
    error ActExpired(uint256 deadline, uint256 time);
    error ActSignatureInvalid(address signer, bytes32 digest);

    /// @notice Does a signed act in its signer's name.
    /// @dev Anyone. Reverts with `ActEmpty` (fewer than four bytes), `ActNested`, `ActExpired`, `ActSignatureInvalid`,
    /// OpenZeppelin's `InvalidAccountNonce`, or the reason of the act itself.
    /// @param signer Who signed; an account or a contract.
    /// @param call The call as it would be sent: selector and arguments.
    /// @return What the call returned, ABI-encoded.
    function act(
        address signer,
        bytes calldata call,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external returns (bytes memory) {
        if (call.length < 4) revert ActEmpty(call.length);
        bytes4 selector = bytes4(call);
        if (selector == SignedActs.act.selector) revert ActNested();
        if (block.timestamp > deadline) revert ActExpired(deadline, block.timestamp);
        bytes32 digest = actDigest(signer, call, nonce, deadline);
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) {
            revert ActSignatureInvalid(signer, digest);
        }

        _useCheckedNonce(signer, nonce);
        emit ActRelayed(signer, msg.sender, selector, nonce);
        return Address.functionCall(address(this), abi.encodePacked(call, signer));
    }

    /// @notice What the signer of an act signs.
    function actDigest(
        address signer,
        bytes calldata call,
        uint256 nonce,
        uint256 deadline
    ) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(_ACT, signer, keccak256(call), nonce, deadline)));
    }

    /// @dev The signer of a relayed act, the caller of any other.
    function _msgSender() internal view virtual override returns (address) {
        if (msg.sender != address(this)) return msg.sender;
        return address(bytes20(msg.data[msg.data.length - 20:]));
    }

    function _msgData() internal view virtual override returns (bytes calldata) {
        if (msg.sender != address(this)) return msg.data;
        return msg.data[:msg.data.length - 20];
    }

    function _contextSuffixLength() internal view virtual override returns (uint256) {
        return msg.sender == address(this) ? 20 : 0;
    }
}
