import type { DemoAccount } from "@ioe/protocol";
import { type Client, createWalletClient, custom } from "viem";
import { createConnector } from "wagmi";
import type { Zone } from "../data/index.ts";

export const BURNER = "burner";
const STORED = "demoAccount";

/**
 * A wallet for one of the local chain's accounts: its key lies open in the deployment file, and signing happens in the
 * page. Offered only where nothing is at stake; see `config.ts`.
 */
export function burner(account: DemoAccount, zone: Zone) {
  return createConnector<unknown, Record<string, unknown>, Record<typeof STORED, string>>(({ storage, emitter }) => {
    let client: Client | undefined;
    // wagmi asks for the provider before it asks whether this wallet was in use: it must not do anything by itself.
    const provider = { request: zone.client.request };
    return {
      id: `${BURNER}-${account.address.toLowerCase()}`,
      name: account.name,
      type: BURNER,
      async connect() {
        await storage?.setItem(STORED, account.address);
        return { accounts: [account.address] as never, chainId: zone.chain.id };
      },
      async disconnect() {
        await storage?.removeItem(STORED);
      },
      getAccounts: () => Promise.resolve([account.address]),
      getChainId: () => Promise.resolve(zone.chain.id),
      getProvider: () => Promise.resolve(provider),
      async getClient() {
        if (!client) {
          const { privateKeyToAccount } = await import("viem/accounts");
          client = createWalletClient({
            account: privateKeyToAccount(account.privateKey),
            chain: zone.chain,
            transport: custom(provider),
            pollingInterval: zone.client.pollingInterval,
          });
        }
        return client;
      },
      isAuthorized: async () => (await storage?.getItem(STORED)) === account.address,
      onAccountsChanged() {},
      onChainChanged() {},
      onDisconnect() {
        emitter.emit("disconnect");
      },
    };
  });
}
