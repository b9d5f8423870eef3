import { type Behaviour, startTargets, type Turn } from "../testing/targets.ts";
import { serve } from "./helper.ts";

/** The targets' process: one for each argument. */
const names = process.argv.slice(2);
const targets = await startTargets(names);

const methods = {
  urlOf: (name: string) => targets.urlOf(name),
  /** Changes what all do; returns how many they are. */
  behave(behaviour: Behaviour) {
    targets.behave(names, behaviour);
    return names.length;
  },
  /** Changes what one does. */
  behaveAlone: (name: string, behaviour: Behaviour) => targets.behave([name], behaviour),
  requests: () => targets.requests(),
  turns: (): readonly Turn[] => targets.turns,
};
export type TargetMethods = typeof methods;
serve(methods);
