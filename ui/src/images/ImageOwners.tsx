import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { getImageTagOwnersOptions } from "../api/generated/@tanstack/react-query.gen";
import type { AnswerOut, ImageOwnersOut, PlacesOut } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import type { Message } from "../facts/mailto";
import { Person } from "../facts/Person";
import { Responsible } from "../facts/Responsible";
import { Failure } from "../states/Failure";

interface ImageOwnersProps {
  imageTagId: number;
  /** What a message to them starts with. */
  message: Message | undefined;
}

/** Everybody there is to ask about an image, as facts of a description list; the page has waited for them. */
export function ImageOwners({ imageTagId, message }: ImageOwnersProps) {
  const { data, error, refetch } = useQuery(getImageTagOwnersOptions({ path: { image_tag_id: imageTagId } }));
  if (!data) {
    return (
      <Fact name="Build Owner">
        <Failure subject="the people behind it" error={error} retry={() => void refetch()} />
      </Fact>
    );
  }
  return (
    <>
      <Fact name="Build Owner">
        <Answer answer={data.build_owner} message={message} />
      </Fact>
      <Fact name="Pushed By">
        <Answer answer={data.pushed_by} message={message} />
      </Fact>
      <Fact name="Deployed By">
        <Deployers answers={data.deployed_by} message={message} />
      </Fact>
      <Fact name="Owner">
        <Owners answers={data.owners} message={message} />
      </Fact>
    </>
  );
}

function Answer({ answer, message }: { answer: AnswerOut; message: Message | undefined }) {
  return <Person attribution={answer.known} unless={answer.unknown} message={message} />;
}

interface PartProps<Key extends keyof ImageOwnersOut> {
  answers: ImageOwnersOut[Key];
  message: Message | undefined;
}

function Deployers({ answers, message }: PartProps<"deployed_by">) {
  if (answers.length === 0) {
    return "No workload has it now.";
  }
  return answers.map((answer) => (
    <Part key={answer.workloads.names[0]} places={answer.workloads} isOnly={answers.length === 1}>
      <Answer answer={answer} message={message} />
    </Part>
  ));
}

function Owners({ answers, message }: PartProps<"owners">) {
  return answers.map((answer) => (
    <Part key={answer.workloads.names[0] ?? ""} places={answer.workloads} isOnly={answers.length === 1}>
      <Responsible owner={answer.owner} unless={answer.unknown} message={message} />
    </Part>
  ));
}

/** One of several answers says for which workloads it is. */
function Part({ places, isOnly, children }: { places: PlacesOut; isOnly: boolean; children: ReactNode }) {
  const hidden = places.count - places.names.length;
  return (
    <div className="dl-answer">
      {children}
      {!isOnly && (
        <div className="dl-subtle dl-break">
          For {places.names.join(", ")}
          {hidden > 0 && ` and ${hidden} more`}
        </div>
      )}
    </div>
  );
}
