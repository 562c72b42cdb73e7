import { hasAnyPower, useAnnounced, usePowers } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, Empty, PageTitle, Skeleton } from "../../ui/index.ts";
import { useSession } from "../../wallet/index.ts";
import { AnnouncedCard } from "./AnnouncedCard.tsx";
import { FeederCard } from "./FeederCard.tsx";
import { MetersCard } from "./MetersCard.tsx";
import { PauseCard } from "./PauseCard.tsx";
import { RegisterCard } from "./RegisterCard.tsx";
import { TariffCard } from "./TariffCard.tsx";

export function Operator() {
  const session = useSession();
  const powers = usePowers(session.account);
  const announced = useAnnounced(session.account);
  const words = text.operator;
  return (
    <>
      <PageTitle title={words.title} lead={words.lead} />
      {!session.account || (powers && !hasAnyPower(powers)) ? (
        <Card>
          <Empty icon="operator" title={words.notYou}>
            {words.notYouNote}
          </Empty>
        </Card>
      ) : !powers || !announced ? (
        <Skeleton className="block h-64 w-full rounded-2xl" />
      ) : (
        <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
          <AnnouncedCard announced={announced} className="lg:col-span-2" />
          {powers.register.allowed && <RegisterCard />}
          {powers.setTariff.allowed && <TariffCard delay={powers.setTariff.delay} />}
          <MetersCard className="lg:col-span-2" powers={powers} />
          <FeederCard className="lg:col-span-2" />
          {(powers.pauseMarket.allowed || powers.pauseAuction.allowed) && <PauseCard className="lg:col-span-2" />}
        </div>
      )}
    </>
  );
}
