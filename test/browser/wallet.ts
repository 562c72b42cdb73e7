/// <reference lib="dom" />
/**
 * A browser wallet for tests. The page finds it through EIP-6963 like any other and talks EIP-1193 with it; accounts, keys
 * and decisions stay in this process, so a test can look into every prompt before it agrees or refuses.
 */
import type { Page } from "playwright-core";
import {
  createWalletClient,
  encodeFunctionData,
  type Hex,
  http,
  multicall3Abi,
  numberToHex,
  type PrivateKeyAccount,
} from "viem";
import { getTransaction } from "viem/actions";
import { hardhat } from "viem/chains";

/** What a person would see and be asked. */
export type Prompt =
  | { kind: "connect" }
  | { kind: "switch-chain"; chainId: number }
  | { kind: "transaction"; to: Hex; data: Hex }
  | { kind: "calls"; calls: { to: Hex; data: Hex }[] }
  | { kind: "sign-typed-data"; primaryType: string; message: Record<string, unknown>; domain: Record<string, unknown> };

interface RpcRequest {
  method: string;
  params?: unknown[];
}

/** An error as it crosses into the page. */
interface FailureInPage {
  code: number;
  message: string;
}

/** EIP-1193's provider errors, by code. */
class RpcFailure extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const REJECTED = new RpcFailure(4001, "User rejected the request.");
const UNSUPPORTED = new RpcFailure(4200, "The wallet does not support this method.");
const INTERNAL = -32603;

/** What a wallet can do beyond EIP-1193's least. */
export interface Abilities {
  /** Signs typed data. */
  signs?: boolean | undefined;
  /**
   * Carries out several calls as one (EIP-5792), as an account that borrows code for it (EIP-7702): Multicall3's. A real
   * wallet borrows code that only its own account may use.
   */
  atomic?: boolean | undefined;
}

/** Where local worlds have Multicall3. */
const MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11";

export class TestWallet {
  account: PrivateKeyAccount;
  readonly prompts: Prompt[] = [];
  /** Hashes of the transactions it sent. */
  readonly sent: Hex[] = [];
  /** What the person answers. */
  decide: (prompt: Prompt) => boolean | Promise<boolean> = () => true;
  #chainId: number;
  #connected = false;
  readonly #rpcUrl: string;
  readonly #page: Page;
  readonly #abilities: { signs: boolean; atomic: boolean };

  private constructor(
    page: Page,
    account: PrivateKeyAccount,
    rpcUrl: string,
    chainId: number,
    { signs = true, atomic = false }: Abilities,
  ) {
    this.#page = page;
    this.account = account;
    this.#rpcUrl = rpcUrl;
    this.#chainId = chainId;
    this.#abilities = { signs, atomic };
  }

  /** Puts the wallet into every document the page will load. @param chainId network it is on at first. */
  static async install(
    page: Page,
    account: PrivateKeyAccount,
    rpcUrl: string,
    chainId: number,
    abilities: Abilities = {},
  ): Promise<TestWallet> {
    const wallet = new TestWallet(page, account, rpcUrl, chainId, abilities);
    await page.exposeFunction("askTestWallet", (request: RpcRequest) => wallet.#answer(request));
    await page.addInitScript(announce);
    return wallet;
  }

  /** The person pays more for what waits ("speed up"), or has it do nothing ("cancel"). */
  async replaceLast(how: "speed up" | "cancel"): Promise<void> {
    const client = this.#client;
    const { nonce, to, input, gas, maxFeePerGas, maxPriorityFeePerGas } = await getTransaction(client, {
      hash: this.sent.at(-1)!,
    });
    const call = how === "cancel" ? { to: this.account.address, value: 0n } : { to, data: input, gas };
    const fees = { maxFeePerGas: maxFeePerGas! * 2n, maxPriorityFeePerGas: maxPriorityFeePerGas! * 2n };
    this.sent.push(await client.sendTransaction({ ...call, ...fees, nonce }));
  }

  /** The person chooses another account in the wallet. */
  async changeAccount(account: PrivateKeyAccount): Promise<void> {
    this.account = account;
    await this.#emit("accountsChanged", [account.address]);
  }

  async #emit(event: string, value: unknown): Promise<void> {
    await this.#page.evaluate(([name, what]) => (window as never as TestWindow).testWallet.emit(name, what), [
      event,
      value,
    ] as const);
  }

  async #answer({ method, params = [] }: RpcRequest): Promise<{ result: unknown } | { error: FailureInPage }> {
    try {
      return { result: await this.#handle(method, params) };
    } catch (error) {
      const { code, message } = error as Partial<RpcFailure>;
      return { error: { code: code ?? INTERNAL, message: message ?? String(error) } };
    }
  }

  async #ask(prompt: Prompt): Promise<void> {
    this.prompts.push(prompt);
    if (!(await this.decide(prompt))) throw REJECTED;
  }

  async #handle(method: string, params: unknown[]): Promise<unknown> {
    switch (method) {
      case "eth_chainId":
        return numberToHex(this.#chainId);
      case "eth_accounts":
        return this.#connected ? [this.account.address] : [];
      case "eth_requestAccounts":
        await this.#ask({ kind: "connect" });
        this.#connected = true;
        return [this.account.address];
      case "wallet_revokePermissions":
        this.#connected = false;
        return null;
      case "wallet_switchEthereumChain":
      case "wallet_addEthereumChain": {
        const chainId = Number((params[0] as { chainId: Hex }).chainId);
        await this.#ask({ kind: "switch-chain", chainId });
        this.#chainId = chainId;
        await this.#emit("chainChanged", numberToHex(chainId));
        return null;
      }
      case "eth_sendTransaction": {
        const { to, data, gas } = params[0] as { to: Hex; data: Hex; gas?: Hex };
        await this.#ask({ kind: "transaction", to, data });
        const hash = await this.#client.sendTransaction({ to, data, ...(gas ? { gas: BigInt(gas) } : {}) });
        this.sent.push(hash);
        return hash;
      }
      case "wallet_getCapabilities":
        if (!this.#abilities.atomic) throw UNSUPPORTED;
        return { [numberToHex(hardhat.id)]: { atomic: { status: "supported" } } };
      case "wallet_sendCalls": {
        if (!this.#abilities.atomic) throw UNSUPPORTED;
        const { calls, atomicRequired } = params[0] as { calls: { to: Hex; data: Hex }[]; atomicRequired: boolean };
        if (!atomicRequired) throw new RpcFailure(INTERNAL, "this wallet carries out calls as one only");
        await this.#ask({ kind: "calls", calls });
        return { id: await this.#sendAsOne(calls) };
      }
      case "wallet_getCallsStatus": {
        // The id is the hash of the one transaction.
        const receipt = await this.#client.request({ method: "eth_getTransactionReceipt", params } as never);
        const { status } = (receipt ?? {}) as { status?: Hex };
        const code = status === undefined ? 100 : status === "0x1" ? 200 : 500;
        return { version: "2.0.0", id: params[0], status: code, atomic: true, receipts: receipt ? [receipt] : [] };
      }
      case "eth_signTypedData_v4": {
        if (!this.#abilities.signs) throw UNSUPPORTED;
        const typed = JSON.parse(params[1] as string) as Parameters<PrivateKeyAccount["signTypedData"]>[0] & {
          message: Record<string, unknown>;
          domain: Record<string, unknown>;
        };
        await this.#ask({
          kind: "sign-typed-data",
          primaryType: typed.primaryType,
          message: typed.message,
          domain: typed.domain,
        });
        return this.account.signTypedData(typed);
      }
      default:
        if (!method.startsWith("eth_") && !method.startsWith("net_")) throw UNSUPPORTED;
        return this.#client.request({ method, params } as never);
    }
  }

  async #sendAsOne(calls: { to: Hex; data: Hex }[]): Promise<Hex> {
    const client = this.#client;
    const authorization = await client.signAuthorization({ contractAddress: MULTICALL, executor: "self" });
    const data = encodeFunctionData({
      abi: multicall3Abi,
      functionName: "aggregate3",
      args: [calls.map(({ to: target, data: callData }) => ({ target, callData, allowFailure: false }))],
    });
    // A plain upper bound: the node cannot estimate with code that the account does not have yet.
    const gas = 1_000_000n;
    return client.sendTransaction({ to: this.account.address, data, authorizationList: [authorization], gas });
  }

  get #client() {
    if (this.#chainId !== hardhat.id)
      throw new RpcFailure(INTERNAL, `the wallet has no node for chain ${this.#chainId}`);
    return createWalletClient({ account: this.account, chain: hardhat, transport: http(this.#rpcUrl) });
  }
}

/** The part in the page, see announce(). */
interface TestWindow {
  askTestWallet(request: RpcRequest): Promise<{ result?: unknown; error?: FailureInPage }>;
  testWallet: { emit(event: string, value: unknown): void };
}

/** Runs in the page: the EIP-1193 provider, and its announcement after EIP-6963. */
function announce(): void {
  const page = window as never as TestWindow;
  const listeners: Record<string, ((value: unknown) => void)[]> = {};
  const provider = {
    async request(request: RpcRequest) {
      const { result, error } = await page.askTestWallet(request);
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on(event: string, listener: (value: unknown) => void) {
      (listeners[event] ??= []).push(listener);
    },
    removeListener(event: string, listener: (value: unknown) => void) {
      listeners[event] = (listeners[event] ?? []).filter((other) => other !== listener);
    },
  };
  page.testWallet = { emit: (event, value) => listeners[event]?.forEach((listener) => listener(value)) };
  const detail = Object.freeze({
    info: Object.freeze({
      uuid: "0c9d4b5e-6e0f-4a53-9b6d-3d2f5a7c1e10",
      name: "Wallet under test",
      icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>",
      rdns: "org.example.wallet-under-test",
    }),
    provider,
  });
  const say = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  window.addEventListener("eip6963:requestProvider", say);
  say();
}
