"""Shell completions for bash, zsh and fish, from the command line as data. No shell asks the program anything."""

import re
from collections.abc import Iterator

from generate.commands import Argument, Command, program

_HEAD = "# Completion of kglb-actors for {}. Made by `python -m generate`: not to be edited.\n"


def _all(command: Command) -> Iterator[Command]:
    yield command
    for each in command.commands:
        yield from _all(each)


def bash() -> str:
    """For bash: /usr/share/bash-completion/completions/kglb-actors."""
    root = program()
    paths = [" ".join(command.path) for command in _all(root)]
    words = "\n".join(f'        "{" ".join(each.path)}") words="{_bash_words(each)}" ;;' for each in _all(root))
    cases = "\n".join(case for each in _all(root) for case in _bash_cases(each))
    known = " ".join(f'["{path}"]=1' for path in paths if path)
    return f"""{_HEAD.format("bash")}
_kglb_actors() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} path="" each words
    local -A known=({known})
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ -n ${{known[${{path:+$path }}$each]:-}} ]] && path=${{path:+$path }}$each
    done
    COMPREPLY=()
    case "$path ${{COMP_WORDS[COMP_CWORD-1]}}" in
{cases}
    esac
    case $path in
{words}
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ -n $path && $word != -* ]] && mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -f -- "$word")
}}
complete -o filenames -F _kglb_actors kglb-actors
"""


def _bash_words(command: Command) -> str:
    flags = [flag for option in command.options for flag in option.flags]
    choices = [choice for positional in command.positionals for choice in positional.choices]
    return " ".join([*(each.path[-1] for each in command.commands), *choices, *flags])


def _bash_cases(command: Command) -> Iterator[str]:
    """What follows each option that takes a value."""
    for option in command.options:
        if not option.value:
            continue
        patterns = "|".join(f'"{" ".join(command.path)} {flag}"' for flag in option.flags)
        wanted = f'-W "{" ".join(option.choices)}"' if option.choices else "-f" if option.is_path else '-W ""'
        yield f'        {patterns}) mapfile -t COMPREPLY < <(compgen {wanted} -- "$word"); return ;;'


def zsh() -> str:
    """For zsh: a file ``_kglb-actors`` in a directory of ``fpath``."""
    root = program()
    functions = "\n".join(_zsh_function(command) for command in _all(root))
    return f"""#compdef kglb-actors
{_HEAD.format("zsh")}
{functions}
_kglb-actors "$@"
"""


def _zsh_name(command: Command) -> str:
    return "-".join(("_kglb-actors", *command.path))


def _zsh_function(command: Command) -> str:
    specs = [_zsh_option(option) for option in command.options]
    specs += [_zsh_positional(each) for each in command.positionals]
    if not command.commands:
        lines = " \\\n        ".join(specs)
        return f"{_zsh_name(command)}() {{\n    _arguments -s \\\n        {lines}\n}}\n"
    described = "\n".join(f"        {_quoted(f'{each.path[-1]}:{each.summary}')}" for each in command.commands)
    cases = "\n".join(f"            {each.path[-1]}) {_zsh_name(each)} ;;" for each in command.commands)
    lines = " \\\n        ".join([*specs, "'1: :->verb'", "'*:: :->rest'"])
    return f"""{_zsh_name(command)}() {{
    local context state state_descr line
    typeset -A opt_args
    local -a verbs=(
{described}
    )
    _arguments -C -s \\
        {lines}
    case $state in
        verb) _describe verb verbs ;;
        rest) case $line[1] in
{cases}
        esac ;;
    esac
}}
"""


def _zsh_option(option: Argument) -> str:
    about = f"[{_zsh_text(option.help)}]"
    value = f":{_zsh_text(option.value)}:{_zsh_values(option)}" if option.value else ""
    if len(option.flags) == 1:
        return _quoted(f"{option.flags[0]}{about}{value}")
    return f"'({' '.join(option.flags)})'{{{','.join(option.flags)}}}{_quoted(about + value)}"


def _zsh_positional(argument: Argument) -> str:
    colons = "::" if argument.is_optional else ":"
    return _quoted(f"{colons}{_zsh_text(argument.value)}:{_zsh_values(argument)}")


def _zsh_values(argument: Argument) -> str:
    if argument.choices:
        return f"({' '.join(argument.choices)})"
    return "_files" if argument.is_path else ""


def _zsh_text(text: str) -> str:
    return re.sub(r"([\[\]:])", r"\\\1", text)


def fish() -> str:
    """For fish: /usr/share/fish/vendor_completions.d/kglb-actors.fish."""
    root = program()
    lines = [line for command in _all(root) for line in _fish_lines(command)]
    return f"{_HEAD.format('fish')}\ncomplete -c kglb-actors -f\n" + "\n".join(lines) + "\n"


def _fish_lines(command: Command) -> Iterator[str]:
    names = " ".join(each.path[-1] for each in command.commands)
    seen = "; and ".join(f"__fish_seen_subcommand_from {name}" for name in command.path)
    none_yet = f"not __fish_seen_subcommand_from {names}" if names else ""
    here = "; and ".join(part for part in (seen, none_yet) if part)
    for each in command.commands:
        yield f"complete -c kglb-actors -n '{here}' -a {each.path[-1]} -d {_quoted(each.summary)}"
    for option in command.options:
        flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
        yield f"complete -c kglb-actors -n '{here}' {flags} {_fish_value(option)}-d {_quoted(option.help)}"
    for positional in command.positionals:
        if positional.choices:
            yield f"complete -c kglb-actors -n '{here}' -a '{' '.join(positional.choices)}'"
        elif positional.is_path:
            yield f"complete -c kglb-actors -n '{here}' -F"


def _fish_value(option: Argument) -> str:
    if option.choices:
        return f"-x -a '{' '.join(option.choices)}' "
    if option.is_path:
        return "-r -F "
    return "-x " if option.value else ""


def _quoted(text: str) -> str:
    """A word in single quotes; bash, zsh and fish all end and begin them again around a quote."""
    return "'" + text.replace("'", "'\\''") + "'"
