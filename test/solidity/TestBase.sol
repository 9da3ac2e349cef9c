// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The cheat codes of the test runner that these tests use.
interface Vm {
    function accesses(address account) external returns (bytes32[] memory reads, bytes32[] memory writes);
    function assume(bool condition) external pure;
    function chainId(uint256 newChainId) external;
    function addr(uint256 privateKey) external pure returns (address);
    function expectRevert(bytes calldata revertData) external;
    function prank(address sender) external;
    function record() external;
    function publicKeyP256(uint256 privateKey) external pure returns (uint256 x, uint256 y);
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function signP256(uint256 privateKey, bytes32 digest) external pure returns (bytes32 r, bytes32 s);
    function warp(uint256 timestamp) external;
}

/// @notice What every Solidity test starts from. The runner finds contracts with `test*` (fuzz: with arguments) and
/// `invariant_*` functions; the latter are checked after each random call of {targetContracts}.
abstract contract TestBase {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address[] private _targets;

    error Broken(string what);

    /// @notice Where the runner sends random calls in an invariant test.
    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    function target(address handler) internal {
        _targets.push(handler);
    }

    /// @dev Not `assert`: the message names what broke.
    function check(bool holds, string memory what) internal pure {
        if (!holds) revert Broken(what);
    }

    /// @dev A number between the two bounds, both included.
    function within(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + (value % (high - low + 1));
    }
}
