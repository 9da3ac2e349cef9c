// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { IEncumberable } from "../../../contracts/consortium/IEncumbrances.sol";

/// @notice What a module may try against the register of encumbrances.
enum Mischief {
    None,
    LieAboutHolder, // names the victim as the holder of its own asset
    RevertOnQuestion,
    RevertOnLock,
    ReenterOnLock, // does the prepared call from within `onEncumbered`
    AnswerGarbage
}

/// @notice An admitted module that turns hostile.
contract HostileModule is IEncumberable {
    address public holder;
    address public victim;
    Mischief public mischief;
    bool public locked;
    uint256 public reentries;
    bool public lastReentry;
    address private _target;
    bytes private _call;

    error Hostile();

    constructor(address holder_) {
        holder = holder_;
    }

    function turn(Mischief to, address victim_, address target, bytes calldata call) external {
        (mischief, victim, _target, _call) = (to, victim_, target, call);
    }

    /// @notice Calls the register in the module's own name, as no honest module does.
    function attack(address target, bytes calldata call) external returns (bool done) {
        (done, ) = target.call(call);
    }

    function onEncumbered(bytes32, bool locked_) external {
        if (mischief == Mischief.RevertOnLock) revert Hostile();
        if (mischief == Mischief.ReenterOnLock) {
            ++reentries;
            mischief = Mischief.None;
            (lastReentry, ) = _target.call(_call);
        }
        locked = locked_;
    }

    function holderOf(bytes32) external view returns (address) {
        if (mischief == Mischief.RevertOnQuestion) revert Hostile();
        if (mischief == Mischief.AnswerGarbage) {
            assembly {
                mstore(0, not(0))
                return(0, 32)
            }
        }
        return mischief == Mischief.LieAboutHolder ? victim : holder;
    }

    function keeperRole() external pure returns (Role) {
        return Role.DeviceManager;
    }
}
