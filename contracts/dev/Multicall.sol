// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The part of Multicall3 that the dApp uses, for local chains
/// @notice Public chains have the original (https://www.multicall3.com) at 0xcA11bde05977b3631167028862bE2a173976CA11;
/// local worlds put this there, so that development and tests read as production does.
contract Multicall {
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    error CallFailed(uint256 index, bytes reason);

    /// @notice Makes all calls in turn. A failing one ends everything unless it is allowed to fail.
    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            // solhint-disable-next-line avoid-low-level-calls
            (bool success, bytes memory returnData) = calls[i].target.call(calls[i].callData);
            if (!success && !calls[i].allowFailure) revert CallFailed(i, returnData);
            results[i] = Result(success, returnData);
        }
    }
}
