// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { Rfc9162 } from "../common/Rfc9162.sol";
import { IRoleListener, Role, Term } from "../consortium/IConsortium.sol";
import { DeviceProofs } from "./DeviceProofs.sol";
import { DeviceRecords } from "./DeviceRecords.sol";
import { FactoryList, ListProof, Maker, Registration, Voucher } from "./DeviceTypes.sol";
import { DeviceWord, newDeviceWord } from "./DeviceWord.sol";
import { IDeviceRegistration } from "./IDeviceRegistration.sol";
import { PartySignatures } from "./PartySignatures.sol";

/// @title DeviceRegistration
/// @notice Four ways into the registry. See {IDeviceRegistration}.
abstract contract DeviceRegistration is DeviceRecords, IRoleListener {
    bytes32 private constant _REGISTRATION = keccak256(
        "Registration(uint8 curve,bytes32 x,bytes32 y,address owner,bytes32 parametersHash,bytes32 certificateHash,uint256 deadline)"
    );
    bytes32 private constant _VOUCHER = keccak256(
        "Voucher(bytes32 device,bytes32 parametersHash,bytes32 certificateHash,uint32 buyer,uint40 until)"
    );

    mapping(address account => Maker word) private _makers;
    mapping(OrgId maker => mapping(bytes32 root => FactoryList word)) private _lists;

    // ---------------------------------------------------------------- by the manufacturer

    /// @inheritdoc IDeviceRegistration
    function register(Registration calldata registration) external returns (DeviceId) {
        _requireOpen(IDeviceRegistration.register.selector);
        OrgId maker = _draw(_msgSender(), 1);
        _requireOwner(registration.owner, maker);
        return _enter(registration, maker);
    }

    /// @inheritdoc IDeviceRegistration
    function registerBatch(Registration[] calldata registrations) external {
        _requireOpen(IDeviceRegistration.registerBatch.selector);
        if (registrations.length == 0) revert RegistrationsMissing();
        OrgId maker = _draw(_msgSender(), registrations.length);
        OrgId known = maker;
        for (uint256 i = 0; i < registrations.length; ++i) {
            // Most batches are for one owner: asked once.
            if (registrations[i].owner != known) {
                known = registrations[i].owner;
                _requireOwner(known, maker);
            }
            _enter(registrations[i], maker);
        }
    }

    /// @inheritdoc IDeviceRegistration
    function openList(bytes32 root, uint32 count, uint40 until, OrgId buyer) external {
        _requireOpen(IDeviceRegistration.openList.selector);
        OrgId maker = _draw(_msgSender(), count);
        if (count == 0 || until <= block.timestamp) revert FactoryListInvalid(root, count, until);
        if (_list(maker, root).count != 0) revert FactoryListTaken(maker, root);
        if (OrgId.unwrap(buyer) != 0) _requireOwner(buyer, maker);

        _lists[maker][root] = FactoryList({ count: count, until: until, buyer: buyer, closed: false });
        emit FactoryListOpened(maker, root, count, until, buyer, _msgSender());
    }

    /// @inheritdoc IDeviceRegistration
    function closeList(OrgId maker, bytes32 root) external {
        address caller = _msgSender();
        Maker memory word = _maker(caller);
        bool own = word.org == maker && block.timestamp < word.until;
        if (!own && !_isAuthority()) revert ManufacturerRefused(caller, word.until);
        _openedList(maker, root);
        _lists[maker][root].closed = true;
        emit FactoryListClosed(maker, root, caller);
    }

    // ---------------------------------------------------------------- by the owner

    /// @inheritdoc IDeviceRegistration
    function activate(
        Registration calldata registration,
        ListProof calldata proof
    ) external returns (DeviceId) {
        _requireOpen(IDeviceRegistration.activate.selector);
        _requireOwnManager(registration.owner);
        FactoryList memory list = _openedList(proof.maker, proof.root);
        if (OrgId.unwrap(list.buyer) != 0 && list.buyer != registration.owner) {
            revert FactoryListBuyerRefused(list.buyer, registration.owner);
        }
        // RFC 9162: 0x00 before the entry.
        bytes32 leaf = sha256(
            abi.encodePacked(
                uint8(0),
                DeviceProofs.keyId(registration.key),
                registration.parametersHash,
                registration.certificateHash
            )
        );
        if (!Rfc9162.verifyInclusion(leaf, proof.index, list.count, proof.path, proof.root)) {
            revert FactoryListProofInvalid(proof.maker, proof.root, proof.index);
        }
        return _enter(registration, proof.maker);
    }

    /// @inheritdoc IDeviceRegistration
    function registerByVoucher(
        Registration calldata registration,
        Voucher calldata voucher
    ) external returns (DeviceId) {
        _requireOpen(IDeviceRegistration.registerByVoucher.selector);
        _requireOwnManager(registration.owner);
        if (block.timestamp >= voucher.until) revert VoucherExpired(voucher.until, block.timestamp);
        if (OrgId.unwrap(voucher.buyer) != 0 && voucher.buyer != registration.owner) {
            revert VoucherBuyerRefused(voucher.buyer, registration.owner);
        }
        OrgId maker = _draw(voucher.maker, 1);
        bytes32 digest = _voucherDigest(registration, voucher);
        if (!PartySignatures.isValid(voucher.maker, digest, voucher.signature)) {
            revert VoucherSignatureInvalid(voucher.maker, digest);
        }
        return _enter(registration, maker);
    }

    // ---------------------------------------------------------------- told by the consortium

    /// @inheritdoc IRoleListener
    function onRoleChanged(OrgId org, address account, Role role, Term calldata term) external {
        if (_msgSender() != address(CONSORTIUM)) revert RoleSourceRefused(_msgSender());
        // Named for another role by mistake, this contract must not take it for the manufacturer's.
        if (role != Role.Manufacturer) return;
        Maker storage maker = _makers[account];
        bool unlimited = term.limit > type(uint64).max;
        (maker.org, maker.until) = (org, term.until);
        maker.quota = unlimited ? type(uint64).max : uint64(term.limit);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceRegistration
    function manufacturerOf(address account) external view returns (Maker memory) {
        return _maker(account);
    }

    /// @inheritdoc IDeviceRegistration
    function factoryListOf(OrgId maker, bytes32 root) external view returns (FactoryList memory) {
        return _list(maker, root);
    }

    /// @inheritdoc IDeviceRegistration
    function registrationDigest(Registration calldata registration) external view returns (bytes32) {
        bytes32 hash = _registrationHash(registration, registration.owner.holder());
        return _deviceDigest(registration.key.curve, hash);
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev The only place where a device comes into being.
    function _enter(Registration calldata registration, OrgId maker) private returns (DeviceId device) {
        bytes32 keyId = DeviceProofs.keyId(registration.key);
        device = DeviceId.wrap(keyId);
        if (DeviceWord.unwrap(_words[device]) != 0) {
            if (_words[device].isDevice()) revert DeviceAlreadyRegistered(device);
            revert DeviceKeyTaken(keyId);
        }
        address holder = registration.owner.holder();
        _requireProof(
            device,
            registration.key,
            _registrationHash(registration, holder),
            registration.deadline,
            registration.r,
            registration.s
        );

        _words[device] = newDeviceWord(registration.owner, maker, registration.key.curve);
        _announce(device, holder, maker, registration);
    }

    /// @dev `emit DeviceRegistered(device, holder, maker, key, parametersHash, certificateHash)`: the last three lie in
    /// the request as they lie in the event.
    function _announce(
        DeviceId device,
        address holder,
        OrgId maker,
        Registration calldata registration
    ) private {
        bytes32 topic = DeviceRegistered.selector;
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, maker)
            calldatacopy(add(at, 32), add(registration, 32), 160)
            log3(at, 192, topic, device, holder)
        }
    }

    /// @dev Draws on an account's quota; answers the organisation it makes devices for.
    function _draw(address account, uint256 devices) private returns (OrgId) {
        Maker memory maker = _maker(account);
        if (block.timestamp >= maker.until) revert ManufacturerRefused(account, maker.until);
        // A lowered quota may lie below what was used.
        if (maker.used + devices > maker.quota) {
            revert ManufacturerQuotaExceeded(account, maker.quota, maker.used, devices);
        }
        _makers[account].used = maker.used + uint64(devices);
        return maker.org;
    }

    function _openedList(OrgId maker, bytes32 root) private view returns (FactoryList memory list) {
        list = _list(maker, root);
        if (list.count == 0) revert FactoryListUnknown(maker, root);
        if (list.closed || block.timestamp >= list.until) {
            revert FactoryListEnded(maker, root, list.until, list.closed);
        }
    }

    function _maker(address account) private view returns (Maker memory) {
        return _makers[account];
    }

    function _list(OrgId maker, bytes32 root) private view returns (FactoryList memory) {
        return _lists[maker][root];
    }

    /// @dev The maker's own organisation is active, or the consortium would have taken the term away.
    function _requireOwner(OrgId owner, OrgId maker) private view {
        if (owner != maker) _requireActiveOrg(owner);
    }

    function _requireOwnManager(OrgId owner) private view {
        OrgId org = _requireRole(_msgSender(), Role.DeviceManager);
        if (org != owner) revert RegistrationOwnerRefused(owner, org);
    }

    /// @dev The words of the message are those of the request, but for the owner; the curve was looked at before.
    function _registrationHash(
        Registration calldata registration,
        address holder
    ) private pure returns (bytes32 hash) {
        bytes32 typeHash = _REGISTRATION;
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, typeHash)
            calldatacopy(add(at, 32), add(registration, 32), 96) // curve, x, y
            mstore(add(at, 128), holder)
            calldatacopy(add(at, 160), add(registration, 128), 96) // parameters, certificate, deadline
            hash := keccak256(at, 256)
        }
    }

    function _voucherDigest(
        Registration calldata registration,
        Voucher calldata voucher
    ) private view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        _VOUCHER,
                        DeviceProofs.keyId(registration.key),
                        registration.parametersHash,
                        registration.certificateHash,
                        voucher.buyer,
                        voucher.until
                    )
                )
            );
    }
}
