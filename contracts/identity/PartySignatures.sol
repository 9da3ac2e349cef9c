// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title PartySignatures
/// @notice Checks signatures of people (keys) and of contracts (ERC-1271) over an EIP-712 digest.
/// @dev The key is tried first: OpenZeppelin's checker looks at the signer's code first, which costs 2,600 gas for each
/// signer that has none. Whoever has the key of an account with code (EIP-7702) may sign with it.
library PartySignatures {
    /// @notice Whether `signer` signed `digest`. The zero address signs nothing.
    function isValid(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        (address recovered, ECDSA.RecoverError fault, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return
            signer.code.length != 0 &&
            SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }
}
