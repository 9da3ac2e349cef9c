// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "./IConsortium.sol";
import { IOrders } from "./IOrders.sol";

/// @notice Why a holder may not take part in a transfer; `Eligible` when it may. Append only.
enum EligibilityReason {
    Eligible,
    HolderUnknown,
    OrganisationNotActive,
    Frozen,
    ClassMissing,
    Expired
}

/// @notice What is known of a holder, as it is stored.
struct EligibilityRecord {
    OrgId org; // 0 until the registrar set its classes
    bool active; // the organisation is active
    uint32 classes; // bit n is set when the holder may take on assets of class n
    uint40 until; // the first second at which the classes no longer count
    uint40 frozenUntil; // the first second at which no order freezes the holder any more; 0 for never frozen
}

/// @notice Who may hold which class of asset: one word for each holder of record, read by every module that moves
/// assets. Asking why and being refused go through the same rule, so that a pre-check never differs from the act.
///
/// Classes are bits: 0 cash, 1 receivable notes, 2 income rights, 3 recycling shares, 4 machines; 5 to 31 are free.
/// A holder whose classes have expired or were taken away can still give what it has: only taking on more needs them.
/// Frozen, it neither gives nor takes. What is already owed to it (a claim, a repayment) is no transfer, and modules
/// do not ask here before they pay it out.
///
/// Powers and their limits:
/// - registrar (through AccessManager, with a delay): sets classes for at most `MAX_ELIGIBILITY`. Freezes nobody.
/// - anyone with an active Freeze order: freezes its holder; once the order has ended, anyone unfreezes.
/// - the consortium: tells when an organisation stops being active, or is again.
interface IEligibility {
    event EligibilitySet(OrgId indexed org, address indexed holder, uint32 classes, uint40 until, address by);
    event HolderFrozen(address indexed holder, OrderId indexed order, uint40 until, address by);
    event HolderUnfrozen(address indexed holder, OrderId indexed order, uint40 frozenUntil, address by);

    error EligibilityTermInvalid(uint40 until, uint40 latest);
    error HolderRefused(address holder, uint8 assetClass, EligibilityReason reason);
    error FreezeTaken(OrderId order);
    error FreezesFull(address holder, uint256 max);
    error FreezeUnknown(OrderId order);
    error FreezeStands(OrderId order);
    error OrganisationSourceRefused(address caller);

    /// @notice Says which classes of assets an organisation may take on, and until when; replaces what was said before.
    /// @dev Registrar. The organisation must be active. Reverts: the consortium's reason; `EligibilityTermInvalid`.
    /// @param classes Bit n for class n; none takes every class away.
    /// @param until The first second at which they no longer count.
    function set(OrgId org, uint32 classes, uint40 until) external;

    /// @notice Freezes the holder that an order names, until the order ends.
    /// @dev Anyone, with an active Freeze order for this contract whose subject is the holder's address. A holder may be
    /// frozen by several orders. Reverts: the order's reason; `FreezeTaken`; `FreezesFull`.
    function freeze(OrderId order) external;

    /// @notice Ends the freeze of an order that was lifted; the holder stays frozen by its other orders.
    /// @dev Anyone. When an order expires nothing has to be done. Reverts: `FreezeUnknown` (never frozen by it, or ended
    /// already); `FreezeStands` (the order is active).
    function unfreeze(OrderId order) external;

    /// @notice Why a holder may not take on an asset of a class now. Never reverts; no class above 31 is ever granted.
    function explain(address holder, uint8 assetClass) external view returns (EligibilityReason);

    /// @notice Reverts with `HolderRefused` and the reason of `explain` unless it is `Eligible`.
    function requireEligible(address holder, uint8 assetClass) external view;

    /// @notice Which party may not take part in a transfer of a class now, and why; zero and `Eligible` when both may.
    /// @dev Never reverts. Of the giver only what it is counts, not its classes.
    function explainPair(
        address from,
        address to,
        uint8 assetClass
    ) external view returns (address party, EligibilityReason reason);

    /// @notice Both parties of a transfer in one call: reverts with `HolderRefused` as `explainPair` says.
    function checkPair(address from, address to, uint8 assetClass) external view;

    /// @notice What is known of a holder; all zero when nothing is. Never reverts.
    function recordOf(address holder) external view returns (EligibilityRecord memory);

    /// @notice The orders that froze a holder and were not ended by `unfreeze`. Never reverts.
    function freezesOf(address holder) external view returns (OrderId[] memory);

    /// @notice The longest time classes may reach into the future, in seconds.
    function MAX_ELIGIBILITY() external view returns (uint40);

    /// @notice The most orders that may freeze a holder at a time.
    function MAX_FREEZES() external view returns (uint256);

    /// @notice Where organisations are kept.
    function CONSORTIUM() external view returns (IConsortium);

    /// @notice Where orders are kept.
    function ORDERS() external view returns (IOrders);
}
