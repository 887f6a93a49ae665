# Completion of kglb-actors for bash. Made by `python -m generate`: not to be edited.

_kglb_actors() {
    local word=${COMP_WORDS[COMP_CWORD]} path="" each words
    local -A known=(["run"]=1 ["check"]=1 ["plan"]=1 ["doctor"]=1 ["convert"]=1 ["exabgp-helper"]=1 ["reload"]=1 ["status"]=1 ["top"]=1 ["drain"]=1 ["restore"]=1 ["weight"]=1 ["stop"]=1 ["tail"]=1 ["notify"]=1 ["explain"]=1 ["replay"]=1 ["verify"]=1 ["whatif"]=1 ["report"]=1 ["journal"]=1 ["journal stat"]=1 ["journal fsck"]=1 ["journal repair"]=1 ["journal export"]=1 ["journal metrics"]=1 ["journal prune"]=1)
    for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ -n ${known[${path:+$path }$each]:-} ]] && path=${path:+$path }$each
    done
    COMPREPLY=()
    case "$path ${COMP_WORDS[COMP_CWORD-1]}" in
        "run --journal") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "run --data-plane") mapfile -t COMPREPLY < <(compgen -W "ipvs memory" -- "$word"); return ;;
        "run --log-level") mapfile -t COMPREPLY < <(compgen -W "debug info warning error" -- "$word"); return ;;
        "run --log-format") mapfile -t COMPREPLY < <(compgen -W "auto text json" -- "$word"); return ;;
        "check -o"|"check --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "plan --journal") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "plan --data-plane") mapfile -t COMPREPLY < <(compgen -W "ipvs memory" -- "$word"); return ;;
        "plan --against") mapfile -t COMPREPLY < <(compgen -W "journal kernel" -- "$word"); return ;;
        "plan -o"|"plan --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "doctor -o"|"doctor --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "exabgp-helper --socket") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "reload --timeout") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "reload --journal") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "reload --socket") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "reload -o"|"reload --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "status --status") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "status --config") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "status -o"|"status --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "top --status") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "top --config") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "drain --balancer") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "drain --note") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "drain --socket") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "drain -o"|"drain --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "drain --for") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "drain --timeout") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "restore --balancer") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "restore --note") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "restore --socket") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "restore -o"|"restore --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "weight --balancer") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "weight --note") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "weight --socket") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "weight -o"|"weight --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "weight --for") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "stop --socket") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "stop -o"|"stop --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "tail --grep") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --type") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --balancer") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --service") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --real") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail -n"|"tail --lines") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --since") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --until") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --after") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "tail --journal") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "tail -o"|"tail --output") mapfile -t COMPREPLY < <(compgen -W "short json cat" -- "$word"); return ;;
        "notify --grep") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --type") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --balancer") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --service") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --real") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --url") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --url-file") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "notify --header") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --format") mapfile -t COMPREPLY < <(compgen -W "json slack" -- "$word"); return ;;
        "notify --batch") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --timeout") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --state") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "notify --metrics") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "notify --since") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "notify --journal") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "notify --exec") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "explain --kind") mapfile -t COMPREPLY < <(compgen -W "real service address route" -- "$word"); return ;;
        "explain --balancer") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "explain --seq") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "explain --at") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "explain --journal") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "explain -o"|"explain --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "replay --seq") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "replay --until") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "replay --diff") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "replay --into") mapfile -t COMPREPLY < <(compgen -W "memory ipvs" -- "$word"); return ;;
        "replay --since") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "replay --speed") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "replay -o"|"replay --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "verify -o"|"verify --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "whatif --set") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "whatif --since") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "whatif --until") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "whatif -o"|"whatif --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "report -o"|"report --output") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "report --since") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "report --until") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal stat -o"|"journal stat --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "journal fsck -o"|"journal fsck --output") mapfile -t COMPREPLY < <(compgen -W "short json" -- "$word"); return ;;
        "journal export -o"|"journal export --output") mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        "journal export --since") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal export --until") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal export --seq") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal metrics --since") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal metrics --until") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal metrics --seq") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal metrics --step") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal metrics --label") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal metrics --balancer") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal metrics --most") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal prune --keep-size") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
        "journal prune --older-than") mapfile -t COMPREPLY < <(compgen -W "" -- "$word"); return ;;
    esac
    case $path in
        "") words="run check plan doctor convert exabgp-helper reload status top drain restore weight stop tail notify explain replay verify whatif report journal -h --help --version" ;;
        "run") words="-h --help --journal --data-plane --log-level --log-format" ;;
        "check") words="-h --help -o --output --schema" ;;
        "plan") words="-h --help --journal --data-plane --against --probe -o --output" ;;
        "doctor") words="-h --help -o --output" ;;
        "convert") words="kglb keepalived -h --help --leave-out" ;;
        "exabgp-helper") words="-h --help --socket" ;;
        "reload") words="-h --help --timeout --journal --socket -o --output" ;;
        "status") words="-h --help --check --status --config -o --output" ;;
        "top") words="-h --help --status --config" ;;
        "drain") words="-h --help --balancer --note --socket -o --output --for --wait --timeout" ;;
        "restore") words="-h --help --balancer --note --socket -o --output" ;;
        "weight") words="-h --help --balancer --note --socket -o --output --for --force-up" ;;
        "stop") words="-h --help --leave --cleanup --socket -o --output" ;;
        "tail") words="-h --help --grep --type --balancer --service --real -f --follow -n --lines -r --reverse --since --until --after --show-cursor --causes --salvage --journal -o --output --utc" ;;
        "notify") words="-h --help --grep --type --balancer --service --real --all --url --url-file --header --format --batch --timeout --state --metrics --since --utc --journal --exec" ;;
        "explain") words="-h --help --kind --balancer --seq --at --journal -o --output --utc" ;;
        "replay") words="-h --help --seq --until --diff --step --into --since --speed --yes-really -o --output --utc" ;;
        "verify") words="-h --help -o --output --utc" ;;
        "whatif") words="-h --help --set --since --until -o --output --utc" ;;
        "report") words="-h --help -o --output --since --until --utc" ;;
        "journal") words="stat fsck repair export metrics prune -h --help" ;;
        "journal stat") words="-h --help -o --output --utc" ;;
        "journal fsck") words="-h --help -o --output" ;;
        "journal repair") words="-h --help" ;;
        "journal export") words="-h --help -o --output --since --until --seq --utc --anonymise" ;;
        "journal metrics") words="-h --help --since --until --seq --step --label --balancer --most --salvage --utc" ;;
        "journal prune") words="-h --help --keep-size --older-than --leftovers -n --dry-run" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ -n $path && $word != -* ]] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
}
complete -o filenames -F _kglb_actors kglb-actors
