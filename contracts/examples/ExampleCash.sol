// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { Context } from "@openzeppelin/contracts/utils/Context.sol";
import { ActsForOrganisation } from "../consortium/ActsForOrganisation.sol";
import { IConsortium } from "../consortium/IConsortium.sol";

/// @title ExampleCash
/// @notice The smallest cash token whose holders are organisations: a treasurer that calls `transfer` or `approve`
/// moves its organisation's money, anybody else its own.
/// @dev An example, not the product's cash: one issuer mints at will and nobody's eligibility is asked.
contract ExampleCash is ERC20, ActsForOrganisation {
    /// @notice The only account that may mint.
    address public immutable ISSUER;

    error IssuerRefused(address caller);

    constructor(
        IConsortium consortium,
        address issuer
    ) ERC20("Example Cash", "XCNY") ActsForOrganisation(consortium) {
        ISSUER = issuer;
    }

    /// @notice Creates money, in fen.
    /// @dev The issuer.
    function mint(address to, uint256 amount) external {
        if (msg.sender != ISSUER) revert IssuerRefused(msg.sender);
        _mint(to, amount);
    }

    /// @notice One unit of account is 100 fen.
    function decimals() public pure override returns (uint8) {
        return 2;
    }

    function _msgSender() internal view override(Context, ActsForOrganisation) returns (address) {
        return ActsForOrganisation._msgSender();
    }
}
