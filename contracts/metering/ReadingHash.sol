// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reading} from "./IMeterRegistry.sol";

/// @title The EIP-712 hash of a reading, as its meter signs it
library ReadingHash {
    bytes32 internal constant TYPEHASH = keccak256(
        "Reading(uint32 meterId,uint16 epoch,uint40 since,uint40 takenAt,uint64 imported,uint64 exported)"
    );

    /// @dev keccak256(abi.encode(TYPEHASH, reading)): a struct of static members lies in the calldata exactly as EIP-712
    /// encodes it, so it is copied in one piece. What exceeds a member's width would be hashed as it is: such a reading
    /// has no valid signature, and whoever accesses the member reverts.
    function hash(Reading calldata reading) internal pure returns (bytes32 structHash) {
        bytes32 typeHash = TYPEHASH;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            mstore(scratch, typeHash)
            calldatacopy(add(scratch, 0x20), reading, 0xc0)
            structHash := keccak256(scratch, 0xe0)
        }
    }
}
