import { Argument, Command } from "commander";
import { examples } from "./context.ts";

/** What a shell offers behind the words of one command. */
interface Place {
  /** The commands before, with a space before each: " member add". */
  at: string;
  commands: Offer[];
  options: Offer[];
}

interface Offer {
  name: string;
  help: string;
  short?: string | undefined;
  takesValue: boolean;
}

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `nexus completion`: what has a shell complete the command's words. */
export function completionCommand(): Command {
  return new Command("completion")
    .addArgument(new Argument("<shell>").choices(Object.keys(SCRIPTS)))
    .description("Print a script that has the shell complete commands and options.")
    .addHelpText(
      "after",
      examples(
        "nexus completion bash > ~/.local/share/bash-completion/completions/nexus",
        "nexus completion zsh > ~/.zfunc/_nexus    # a directory of fpath",
        "nexus completion fish > ~/.config/fish/completions/nexus.fish",
      ),
    )
    .action((shell: keyof typeof SCRIPTS, _, command: Command) => {
      console.log(SCRIPTS[shell](placesOf(command.parent as Command, "")));
    });
}

/** All commands below one, and itself first. */
function placesOf(command: Command, at: string): Place[] {
  const help = command.createHelp();
  help.showGlobalOptions = true;
  const commands = help.visibleCommands(command).map((sub) => ({
    name: sub.name(),
    help: help.subcommandDescription(sub),
    takesValue: false,
  }));
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].map((option) => ({
    name: String(option.long),
    short: option.short,
    help: option.description,
    takesValue: option.required || option.optional,
  }));
  const unique = [...new Map(options.map((option) => [option.name, option])).values()];
  return [
    { at, commands, options: unique },
    ...command.commands.flatMap((sub) => placesOf(sub, `${at} ${sub.name()}`)),
  ];
}

/** Names of the options that have a value behind them, wherever they stand. */
function valued(places: readonly Place[]): string {
  const options = places.flatMap((place) => place.options).filter(({ takesValue }) => takesValue);
  return [...new Set(options.flatMap(({ name, short }) => (short === undefined ? [name] : [name, short])))].join("|");
}

/** The words that are commands, as one pattern of the shell. */
function known(places: readonly Place[], separator: string): string {
  return places.flatMap(({ at }) => (at === "" ? [] : [quoted(at)])).join(separator);
}

// Each script finds the command from the words before, and offers what is known of it. It runs nothing of what is typed.

function bashScript(places: readonly Place[]): string {
  const offers = places.map(({ at, commands, options }) => {
    const words = [...commands, ...options].map(({ name }) => name);
    return `    ${quoted(at)}) words=${quoted(words.join(" "))} ;;`;
  });
  return `# bash completion of nexus
_nexus() {
  local at= skip= word words i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ${valued(places)}) skip=1 ;;
      -*) ;;
      *) case "$at $word" in ${known(places, "|")}) at="$at $word" ;; esac ;;
    esac
  done
  COMPREPLY=()
  [[ -z $skip ]] || return
  case $at in
${offers.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _nexus nexus`;
}

function zshScript(places: readonly Place[]): string {
  const offers = places.map(({ at, commands, options }) => {
    const described = [...commands, ...options].map(({ name, help }) =>
      quoted(`${name}:${help.replaceAll(":", "\\:")}`),
    );
    return `    ${quoted(at)}) offers=(${described.join(" ")}) ;;`;
  });
  return `#compdef nexus
_nexus() {
  local at= skip= word i
  local -a offers
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ${valued(places)}) skip=1 ;;
      -*) ;;
      *) case "$at $word" in (${known(places, "|")}) at="$at $word" ;; esac ;;
    esac
  done
  if [[ -n $skip ]]; then _files; return; fi
  case $at in
${offers.map((offer) => offer.replace(/^ {4}/, "    (")).join("\n")}
  esac
  _describe nexus offers || _files
}
if [[ $funcstack[1] == _nexus ]]; then _nexus "$@"; else compdef _nexus nexus; fi`;
}

function fishScript(places: readonly Place[]): string {
  const offers = places.flatMap(({ at, commands, options }) => {
    const here = `complete -c nexus -n ${quoted(`__nexus_at ${quoted(at)}`)}`;
    return [
      ...commands.map(({ name, help }) => `${here} -f -a ${name} -d ${quoted(help)}`),
      ...options.map(({ name, short, help, takesValue }) => {
        const names = `-l ${name.slice(2)}${short === undefined ? "" : ` -s ${short.slice(1)}`}`;
        return `${here} ${names}${takesValue ? " -r" : ""} -d ${quoted(help)}`;
      }),
    ];
  });
  return `# fish completion of nexus
function __nexus_at
    set -l at ''
    set -l skip ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test -n "$skip"
            set skip ''
            continue
        end
        switch $word
            case ${valued(places).replaceAll("|", " ")}
                set skip 1
            case '-*'
            case '*'
                switch "$at $word"
                    case ${known(places, " ")}
                        set at "$at $word"
                end
        end
    end
    test "$at" = "$argv[1]"
end
${offers.join("\n")}`;
}

/** As one word of any of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
