// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceAccess } from "../../../contracts/access/DeviceAccess.sol";
import { Grantee } from "../../../contracts/access/Grantee.sol";
import { AccessReason, PassView, UsageView } from "../../../contracts/access/IDeviceAccess.sol";
import { TestBase } from "../TestBase.sol";
import { AccessWorld } from "./AccessWorld.sol";

/// @notice The named invariants of access (docs/invariants.md), after every act of {AccessWorld}.
contract AccessInvariants is TestBase {
    AccessWorld private _world;
    DeviceAccess private _access;

    function setUp() external {
        _world = new AccessWorld();
        _access = _world.ACCESS();
        target(address(_world));
    }

    /// @notice ACC-1
    function invariant_tokenIsSpentAtMostOnce() external view {
        for (uint256 i = 0; i < _world.tokens(); ++i) {
            check(_world.tokenAt(i).spent < 2, "a token was spent twice");
        }
    }

    /// @notice ACC-2
    function invariant_tokenCountsOnlyWhileEverythingDoes() external view {
        uint256 count = _world.tokens();
        for (uint256 i = count > 12 ? count - 12 : 0; i < count; ++i) {
            AccessWorld.Token memory token = _world.tokenAt(i);
            AccessReason reason = _access.explainToken(
                _world.deviceAt(token.device),
                _world.granteeAt(token.grantee),
                _world.requesterAt(token.requester),
                token.name
            );
            check(
                (reason == AccessReason.Allowed) == _world.mayRedeem(i),
                "a token counts against the model"
            );
            (, uint32 epoch, , , ) = _world.devices(token.device);
            bool dead = token.epoch != epoch || block.timestamp >= token.until || token.spent != 0;
            check(!dead || reason != AccessReason.Allowed, "a token outlived its epoch, its end or its use");
        }
    }

    /// @notice ACC-3
    function invariant_delegatedIsPartOfItsParent() external view {
        for (uint256 d = 0; d < _world.DEVICES(); ++d) {
            for (uint256 g = 0; g < _world.GRANTEES(); ++g) {
                PassView memory pass = _passOf(d, g);
                if (Grantee.unwrap(pass.parent) == 0 || pass.permissions == 0) continue;
                PassView memory above = _access.passOf(_world.deviceAt(d), pass.parent);
                if (above.rev != pass.parentRev) {
                    check(!_counts(d, g), "outlived the pass it was made from");
                    continue;
                }
                check(pass.permissions & ~above.permissions == 0, "more permissions than above");
                check(pass.expiry <= above.expiry, "longer than above");
                check(pass.delegations < above.delegations, "no less deep than above");
            }
        }
    }

    /// @notice ACC-4
    function invariant_nothingOutsideThePolicyIsIssued() external view {
        uint256 role = _world.ROLE();
        for (uint256 d = 0; d < _world.DEVICES(); ++d) {
            for (uint256 g = 0; g < _world.GRANTEES(); ++g) {
                PassView memory pass = _passOf(d, g);
                for (uint256 by = 0; by < _world.REQUESTERS(); ++by) {
                    if (g < role ? by != g : by < role) continue;
                    UsageView memory usage = _usageOf(d, g, by);
                    check(
                        usage.permissions & ~pass.permissions == 0,
                        "an open token gives more than its pass"
                    );
                    check(usage.until <= pass.expiry || usage.token == 0, "an open token outlasts its pass");
                }
            }
        }
    }

    /// @notice ACC-5
    function invariant_passesAreThoseTheModelGave() external view {
        for (uint256 d = 0; d < _world.DEVICES(); ++d) {
            for (uint256 g = 0; g < _world.GRANTEES(); ++g) {
                PassView memory pass = _passOf(d, g);
                AccessWorld.Given memory given = _world.givenAt(d, g);
                check(pass.permissions == given.permissions && pass.rev == given.rev, "another pass");
                check(pass.barred == given.barred, "barred without reason, or free without");
                if (given.permissions == 0) continue;
                check(pass.expiry == given.expiry && pass.epoch == given.epoch, "another end");
                check(pass.minInterval == given.minInterval, "another rate");
                check(pass.delegations == given.delegations, "another depth");
                check((Grantee.unwrap(pass.parent) == 0) == (given.parent == 0), "another parent");
            }
        }
    }

    /// @notice ACC-6
    function invariant_strikesAreThoseTheModelCounted() external view {
        uint256 role = _world.ROLE();
        for (uint256 d = 0; d < _world.DEVICES(); ++d) {
            for (uint256 g = 0; g < _world.GRANTEES(); ++g) {
                for (uint256 by = 0; by < _world.REQUESTERS(); ++by) {
                    if (g < role ? by != g : by < role) continue;
                    UsageView memory usage = _usageOf(d, g, by);
                    AccessWorld.Use memory model = _world.useAt(d, g, by);
                    check(usage.strikes == model.strikes, "other strikes");
                    bool blocked = block.timestamp < model.blockedUntil;
                    check(usage.blockedUntil == (blocked ? model.blockedUntil : 0), "another block");
                }
            }
        }
    }

    /// @dev Whether anybody could use it, for all of its permissions.
    function _counts(uint256 d, uint256 g) private view returns (bool) {
        uint40 permissions = _passOf(d, g).permissions;
        for (uint256 by = 0; by < _world.REQUESTERS(); ++by) {
            address requester = _world.requesterAt(by);
            AccessReason reason = _access.explain(
                _world.deviceAt(d),
                _world.granteeAt(g),
                requester,
                permissions
            );
            if (reason == AccessReason.Allowed) return true;
        }
        return false;
    }

    function _passOf(uint256 d, uint256 g) private view returns (PassView memory) {
        return _access.passOf(_world.deviceAt(d), _world.granteeAt(g));
    }

    function _usageOf(uint256 d, uint256 g, uint256 by) private view returns (UsageView memory) {
        return _access.usageOf(_world.deviceAt(d), _world.granteeAt(g), _world.requesterAt(by));
    }
}
