# SPDX-License-Identifier: GPL-2.0
# bash completion for kvpctl(8); it asks kvpctl itself what there is.

# Words in the first column of a help text.
_kvpctl_commands() {
	kvpctl --help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p'
}

_kvpctl_options() {
	kvpctl "$1" --help 2>/dev/null | sed -n 's/^  ...[ ,]*\(--[a-z-]\{1,\}\).*/\1/p'
}

# Keys of a pool, or of all. They may hold anything: only lines are words here.
_kvpctl_keys() {
	kvpctl list --keys ${1:+--pool "$1"} 2>/dev/null
}

_kvpctl_pool() {
	local i

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-p | --pool) printf '%s' "${COMP_WORDS[i + 1]}" ;;
		esac
	done
}

# Those of the lines of stdin that begin with $1, quoted.
_kvpctl_reply() {
	local line

	while IFS= read -r line; do
		[[ $line == "$1"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
	done
}

_kvpctl() {
	local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_kvpctl_reply "$current" < <(_kvpctl_commands)
		return
	fi
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-p | --pool)
		_kvpctl_reply "$current" < <(printf '%s\n' external guest auto auto_external auto_internal)
		return
		;;
	-t | --type)
		if [[ $command != watch ]]; then
			_kvpctl_reply "$current" < <(printf '%s\n' SZ EXPAND_SZ DWORD QWORD)
			return
		fi
		;;
	--format)
		_kvpctl_reply "$current" < <(printf '%s\n' mof json xml)
		return
		;;
	esac
	if [[ $current == -* ]]; then
		_kvpctl_reply "$current" < <(_kvpctl_options "$command")
		return
	fi
	case $command in
	get) _kvpctl_reply "$current" < <(_kvpctl_keys "$(_kvpctl_pool)") ;;
	set | delete) _kvpctl_reply "$current" < <(_kvpctl_keys guest) ;;
	save | restore) compopt -o default ;;
	import) compopt -o dirnames ;;
	esac
}

complete -F _kvpctl kvpctl
