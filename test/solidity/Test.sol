// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev A log as the cheat codes give it.
struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// @dev The cheat codes these tests use, out of those of Hardhat's Solidity test runner.
interface Vm {
    function warp(uint256 timestamp) external;

    function chainId(uint256 id) external;

    function prank(address sender) external;

    function startPrank(address sender) external;

    function stopPrank() external;

    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);

    function addr(uint256 privateKey) external pure returns (address account);

    function signP256(uint256 privateKey, bytes32 digest) external pure returns (bytes32 r, bytes32 s);

    function publicKeyP256(uint256 privateKey) external pure returns (uint256 x, uint256 y);

    function recordLogs() external;

    function getRecordedLogs() external returns (Log[] memory logs);

    function envOr(string calldata name, string calldata fallback_) external view returns (string memory value);

    function writeLine(string calldata path, string calldata line) external;
}

/// @dev Where the runner looks for the functions to call between two checks of the invariants.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// @title What a test needs of a test framework
abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Unequal(string what, uint256 left, uint256 right);
    error Above(string what, uint256 left, uint256 right);
    error NotTrue(string what);

    function assertEq(uint256 left, uint256 right, string memory what) internal pure {
        if (left != right) revert Unequal(what, left, right);
    }

    function assertLe(uint256 left, uint256 right, string memory what) internal pure {
        if (left > right) revert Above(what, left, right);
    }

    function assertTrue(bool holds, string memory what) internal pure {
        if (!holds) revert NotTrue(what);
    }

    /// @dev Folds any number into [lowest, highest].
    function bound(uint256 value, uint256 lowest, uint256 highest) internal pure returns (uint256) {
        if (value >= lowest && value <= highest) return value;
        if (lowest == 0 && highest == type(uint256).max) return value;
        return lowest + (value % (highest - lowest + 1));
    }
}
