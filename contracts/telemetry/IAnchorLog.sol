// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StreamId } from "../common/Ids.sol";

/// @notice One batch of device frames, as anchored. Leaves are numbered through the stream: the batch holds the
/// frames `[first, first + count)`.
struct Anchor {
    uint32 batch; // numbered from 0
    uint40 first;
    uint32 count;
    uint40 minTime; // when the oracle received the first frame, seconds
    uint40 maxTime; // … and the last
    bytes32 framesRoot; // RFC 9162 tree over the frames, in log order
    bytes32 headsRoot; // sized root over the heads of the devices in the batch, sorted by id
    bytes32 rejectsRoot; // sized root over what was refused since the batch before
}

/// @notice The head of a stream: one storage word, read and written by every anchor.
struct Head {
    address key; // the only account that may anchor
    uint24 untilHour; // the key's role ends at this hour since 1970 (rounded down from the consortium's term)
    uint32 next; // number of the next batch
    uint40 size; // frames anchored so far: 2^40, or 34 years at 1,000 frames a second
}

/// @notice Anchors batches of device frames. A batch is accepted only as the next one, starting where the last one
/// ended, so a crash, a second sender or a lost nonce becomes a revert and never a fork.
///
/// State hardly grows: the last `EPOCH` commitments sit in a ring whose slots are reused, and each time the ring is
/// full one Merkle root over it (an epoch root) is kept for good. A batch is proven against the ring while it is
/// recent and against its epoch root for ever after.
///
/// Powers and their limits:
/// - the stream's key, while its Anchor role lasts: appends. Cannot rewrite, skip, reorder or backdate.
/// - registrar (through AccessManager, with a delay): opens streams and sets their key. Cannot touch a batch.
interface IAnchorLog {
    event StreamOpened(StreamId indexed stream, address indexed key);
    event StreamKeySet(StreamId indexed stream, address previous, address key, uint24 untilHour);
    event Anchored(
        StreamId indexed stream,
        uint32 indexed batch,
        uint40 first,
        uint32 count,
        uint40 minTime,
        uint40 maxTime,
        bytes32 framesRoot,
        bytes32 headsRoot,
        bytes32 rejectsRoot
    );
    event EpochSealed(StreamId indexed stream, uint32 indexed epoch, bytes32 root);

    error StreamUnknown(StreamId stream);
    error StreamKeyTaken(address key, StreamId stream);
    error AnchorKeyRefused(StreamId stream, address caller, address key);
    error AnchorRoleExpired(StreamId stream, address key, uint24 untilHour);
    error AnchorOutOfOrder(
        StreamId stream,
        uint32 expectedBatch,
        uint40 expectedFirst,
        uint32 batch,
        uint40 first
    );
    error AnchorEmpty(StreamId stream, uint32 batch);
    error AnchorWindowInvalid(uint40 minTime, uint40 maxTime);
    error AnchorInFuture(uint40 maxTime, uint256 latest);
    error StreamFull(StreamId stream);
    error BatchUnknown(StreamId stream, uint32 batch, uint32 next);
    error BatchMismatch(StreamId stream, uint32 batch);
    error EpochPathRequired(StreamId stream, uint32 batch, uint32 epoch);
    error EpochNotSealed(StreamId stream, uint32 epoch);
    error RoleSourceRefused(address caller);

    /// @notice Appends a batch.
    /// @dev The stream's current key, with its role unexpired. Reverts, in this order: `StreamUnknown`,
    /// `AnchorKeyRefused`, `AnchorRoleExpired`, `AnchorOutOfOrder`, `AnchorEmpty`, `AnchorWindowInvalid`,
    /// `AnchorInFuture` (the window ends more than 15 seconds after the block), `StreamFull`.
    function anchor(StreamId stream, Anchor calldata a) external;

    /// @notice Opens a stream for a key that holds the Anchor role now; one stream for a key.
    /// @dev Registrar.
    function openStream(address key) external returns (StreamId stream);

    /// @notice Replaces a stream's key, for instance after a rotation.
    /// @dev Registrar.
    function setKey(StreamId stream, address key) external;

    /// @notice Reads the role of the stream's key anew. Anyone may call: it only copies what the consortium says.
    /// @dev Needed only when a role was granted with a start in the future.
    function refresh(StreamId stream) external;

    /// @notice Where a stream stands; all zero for an unknown one.
    function head(StreamId stream) external view returns (Head memory);

    /// @notice RFC 9162 root over the 1,024 commitments of a sealed epoch (batches `1024 · epoch` on); zero before.
    function epochRoot(StreamId stream, uint32 epoch) external view returns (bytes32);

    /// @notice `keccak256(abi.encode(stream, a))`, what the ring keeps of a batch.
    function commitmentOf(StreamId stream, Anchor calldata a) external pure returns (bytes32);

    /// @notice Reverts unless exactly this batch was anchored.
    /// @dev `BatchUnknown`: not anchored yet. `BatchMismatch`: another batch has this number, or the path is not its.
    /// `EpochPathRequired`: no longer in the ring. `EpochNotSealed`: a path was given too early.
    /// @param epochPath Inclusion path of the batch's commitment under its epoch root (index `batch % EPOCH`, size
    /// `EPOCH`); empty while the batch is still in the ring.
    function requireAnchored(StreamId stream, Anchor calldata a, bytes32[] calldata epochPath) external view;
}
