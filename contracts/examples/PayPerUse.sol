// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { DeviceId } from "../common/Ids.sol";
import { Rfc9162 } from "../common/Rfc9162.sol";
import { ActsForOrganisation } from "../consortium/ActsForOrganisation.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { DeviceStatus, IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { FrameHeader, FrameProof, IFrameReader, Meter } from "../telemetry/IFrameReader.sol";

/// @notice What a payer agreed to, and where its account stands.
struct Account {
    address payer;
    uint64 price; // fen for one unit of the meter
    uint40 refundableAt; // when announced money may be taken back, seconds
    DeviceId device;
    bytes32 name; // of the meter, ASCII, left-aligned
    bytes32 unit; // SenML unit of the meter, the same way
    bytes32 last; // leaf hash of the meter frame that is paid up to
    uint256 balance; // fen
    uint256 announced; // fen that the payer wants back
}

/// @title PayPerUse
/// @notice Pays the owner of a machine for its use, as the machine itself counted it: the difference of a counter
/// between two frames that the device signed and an oracle anchored.
///
/// A payer opens an account for one device, fixes price and meter, and names the frame from which it pays. Whoever has
/// the frames may then call `settle`; every settlement starts at the frame where the last one ended, so no use is paid
/// twice and none is left out. Money the payer wants back must be announced first, long enough for the owner to
/// settle what was used: the owner counts on `secured`, not on the balance.
///
/// No oracle's word is taken: the device's own signature is checked on both frames, so the key of a stream, of
/// whichever stream, cannot invent a reading.
///
/// Assumptions: the cash token moves exactly what it is told, without fee or callback; the device counts
/// truly. A counter is followed within one epoch of the device: after a new key or a reset the parties open a new account.
contract PayPerUse is ActsForOrganisation {
    using SafeERC20 for IERC20;

    /// @notice How long before taking money back the payer must say so.
    uint40 public constant NOTICE = 7 days;

    /// @notice Proves and reads frames.
    IFrameReader public immutable READER;

    /// @notice Says who owns a device and whether it is revoked.
    IDeviceRegistry public immutable REGISTRY;

    /// @notice The money of every account, in fen.
    IERC20 public immutable CASH;

    /// @notice Accounts are numbered from 1.
    uint256 public accountCount;
    mapping(uint256 id => Account account) private _accounts;

    event AccountOpened(uint256 indexed id, address indexed payer, DeviceId indexed device, Account terms);
    event Deposited(uint256 indexed id, address from, uint256 amount);
    event Settled(
        uint256 indexed id,
        address indexed owner,
        uint64 fromSeq,
        uint64 toSeq,
        uint256 units,
        uint256 paid
    );
    event RefundAnnounced(uint256 indexed id, uint256 amount, uint40 refundableAt);
    event Refunded(uint256 indexed id, uint256 amount);

    error AccountUnknown(uint256 id);
    error PayerRefused(uint256 id, address caller);
    error PriceZero();
    error StartRefused(uint256 id, bytes32 expected, bytes32 given);
    error DeviceMismatch(uint256 id, DeviceId expected, DeviceId given);
    error MeterMismatch(uint256 id, bytes32 name, bytes32 unit);
    error EpochMismatch(uint256 id, uint32 from, uint32 to);
    error FrameNotLater(uint256 id, uint64 from, uint64 to);
    error CounterFell(uint256 id, int64 from, int64 to);
    error DeviceUnusable(DeviceId device, DeviceStatus status);
    error FundsInsufficient(uint256 id, uint256 due, uint256 balance);
    error RefundNotAnnounced(uint256 id);
    error RefundTooEarly(uint256 id, uint40 refundableAt);

    constructor(
        IFrameReader reader,
        IDeviceRegistry registry,
        IERC20 cash,
        IConsortium consortium
    ) ActsForOrganisation(consortium) {
        READER = reader;
        REGISTRY = registry;
        CASH = cash;
    }

    /// @notice Opens an account that the caller, or the organisation it is treasurer of, pays from.
    /// @param start Leaf hash, SHA-256(0x00 ‖ frame), of the meter frame from which use is paid.
    function open(
        DeviceId device,
        uint64 price,
        bytes32 name,
        bytes32 unit,
        bytes32 start
    ) external returns (uint256 id) {
        if (price == 0) revert PriceZero();
        _requireUsable(device);

        id = ++accountCount;
        Account storage a = _accounts[id];
        a.payer = _msgSender();
        a.price = price;
        a.device = device;
        (a.name, a.unit, a.last) = (name, unit, start);
        emit AccountOpened(id, a.payer, device, a);
    }

    /// @notice Adds money to an account.
    /// @dev Anybody, having approved this contract; it becomes the payer's.
    function deposit(uint256 id, uint256 amount) external {
        Account storage a = _account(id);
        address from = _msgSender();

        a.balance += amount;
        emit Deposited(id, from, amount);
        CASH.safeTransferFrom(from, address(this), amount);
    }

    /// @notice Pays the device's owner for what the meter counted from one anchored frame to a later one.
    /// @dev Anybody: the frames decide what is paid and the registry to whom.
    /// @param from The frame where the last settlement ended, or the agreed start.
    /// @param to A later meter frame of the same device and epoch.
    /// @param x,y The device's birth key, which its id is the hash of.
    function settle(
        uint256 id,
        FrameProof calldata from,
        FrameProof calldata to,
        bytes32 x,
        bytes32 y
    ) external returns (uint256 paid) {
        Account storage a = _account(id);
        bytes32 start = Rfc9162.leafHash(from.frame);
        if (start != a.last) revert StartRefused(id, a.last, start);
        (FrameHeader memory h0, Meter memory m0) = _reading(id, a, from, x, y);
        (FrameHeader memory h1, Meter memory m1) = _reading(id, a, to, x, y);
        if (h1.epoch != h0.epoch) revert EpochMismatch(id, h0.epoch, h1.epoch);
        if (h1.seq <= h0.seq) revert FrameNotLater(id, h0.seq, h1.seq);
        if (m1.value < m0.value) revert CounterFell(id, m0.value, m1.value);
        _requireUsable(a.device);

        uint256 units = uint256(int256(m1.value) - int256(m0.value)); // below 2^64
        paid = units * a.price; // below 2^128
        if (paid > a.balance) revert FundsInsufficient(id, paid, a.balance);

        a.balance -= paid;
        a.last = Rfc9162.leafHash(to.frame);
        address owner = REGISTRY.ownerOf(a.device);
        emit Settled(id, owner, h0.seq, h1.seq, units, paid);
        CASH.safeTransfer(owner, paid);
    }

    /// @notice Says that the payer wants money back; replaces what it said before. Zero takes it back.
    /// @dev The payer. Settlements go on and may use up the announced money too.
    function announceRefund(uint256 id, uint256 amount) external {
        Account storage a = _payersAccount(id);
        a.announced = amount;
        a.refundableAt = uint40(block.timestamp) + NOTICE;
        emit RefundAnnounced(id, amount, a.refundableAt);
    }

    /// @notice Pays back the announced money, or what is left of it.
    /// @dev The payer, when the notice is over.
    function refund(uint256 id) external returns (uint256 amount) {
        Account storage a = _payersAccount(id);
        amount = a.announced < a.balance ? a.announced : a.balance;
        if (a.announced == 0) revert RefundNotAnnounced(id);
        if (block.timestamp < a.refundableAt) revert RefundTooEarly(id, a.refundableAt);

        a.balance -= amount;
        a.announced = 0;
        emit Refunded(id, amount);
        CASH.safeTransfer(a.payer, amount);
    }

    /// @notice The account, as it stands.
    function account(uint256 id) external view returns (Account memory) {
        return _account(id);
    }

    /// @notice Money that cannot leave without a settlement for at least `NOTICE` from now.
    function secured(uint256 id) external view returns (uint256) {
        Account storage a = _account(id);
        return a.announced < a.balance ? a.balance - a.announced : 0;
    }

    /// @dev An anchored frame that the account's device signed, with the account's meter.
    function _reading(
        uint256 id,
        Account storage a,
        FrameProof calldata proof,
        bytes32 x,
        bytes32 y
    ) private view returns (FrameHeader memory h, Meter memory m) {
        (h, m) = READER.readMeter(proof.frame);
        if (h.device != a.device) revert DeviceMismatch(id, a.device, h.device);
        READER.verifySigned(proof, x, y);
        if (m.name != a.name || m.unit != a.unit) revert MeterMismatch(id, m.name, m.unit);
    }

    /// @dev A suspended device still owes and earns for what it counted before; a revoked one is not believed.
    function _requireUsable(DeviceId device) private view {
        DeviceStatus status = REGISTRY.record(device).status;
        if (status == DeviceStatus.None || status == DeviceStatus.Revoked)
            revert DeviceUnusable(device, status);
    }

    function _account(uint256 id) private view returns (Account storage a) {
        a = _accounts[id];
        if (a.payer == address(0)) revert AccountUnknown(id);
    }

    function _payersAccount(uint256 id) private view returns (Account storage a) {
        a = _account(id);
        if (_msgSender() != a.payer) revert PayerRefused(id, _msgSender());
    }
}
