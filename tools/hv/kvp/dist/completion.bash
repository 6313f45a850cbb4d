# SPDX-License-Identifier: GPL-2.0
# bash completion for kvpctl(8); it asks kvpctl itself what there is.

# Words in the first column of a help text.
_kvpctl_commands() {
	kvpctl help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p'
}

_kvpctl_options() {
	kvpctl help "$1" 2>/dev/null | sed -n 's/^  ...[ ,]*\(--[a-z-]\{1,\}\).*/\1/p'
}

# The words before the cursor in $words, also where bash has split them at : and =.
_kvpctl_split() {
	local rest=${COMP_LINE:0:COMP_POINT} word i

	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((i == 0)) || [[ $rest == [[:space:]]* ]]; then
			rest=${rest#"${rest%%[![:space:]]*}"}
			words+=("")
		fi
		((i < COMP_CWORD)) || word=$rest
		words[${#words[@]} - 1]+=$word
		rest=${rest#"$word"}
	done
}

# The pool that the command line names.
_kvpctl_pool() {
	local i

	for ((i = 2; i < ${#words[@]}; i++)); do
		case ${words[i]} in
		-p | --pool) printf '%s' "${words[i + 1]}" ;;
		--pool=*) printf '%s' "${words[i]#*=}" ;;
		esac
	done
}

# Offers those of the NUL-terminated words of stdin that begin with $current.
_kvpctl_reply() {
	local word given=$current quote='' done=''

	# as it was typed, without its quotes
	case $given in
	[\'\"]*) quote=${given:0:1} given=${given:1} ;;
	*) given=${given//\\/} ;;
	esac
	# bash puts the offer behind the last of these
	[[ $quote || $COMP_WORDBREAKS != *:* ]] || done=${given%"${given##*:}"}
	while IFS= read -r -d '' word; do
		[[ $word == "$given"* ]] || continue
		[[ $quote ]] || word=$(printf '%q' "${word#"$done"}")
		COMPREPLY+=("$word")
	done
}

_kvpctl_words() {
	_kvpctl_reply < <(printf '%s\0' "$@")
}

# Keys of a pool, or of all; they may hold anything.
_kvpctl_keys() {
	_kvpctl_reply < <(kvpctl list --keys --null ${1:+--pool "$1"} 2>/dev/null)
}

_kvpctl_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}

# What follows an option of a command; false if it takes nothing.
_kvpctl_value() {
	local list=''

	case $1:$2 in
	*:-p | *:--pool)
		# after a comma comes another one
		list=${current%"${current##*,}"}
		_kvpctl_words "$list"{external,guest,auto,auto_external,auto_internal}
		;;
	get:-t | get:--type | set:-t | set:--type) _kvpctl_words SZ EXPAND_SZ DWORD QWORD ;;
	component:-f | component:--format) _kvpctl_words mof json xml ;;
	agent:-s | agent:--stack) _kvpctl_words netplan networkd networkmanager ifupdown ;;
	watch:-k | watch:--key) _kvpctl_keys "$(_kvpctl_pool)" ;;
	set:-f | set:--file | agent:-f | agent:--request | agent:-x | agent:--exec) _kvpctl_files -f ;;
	*:--root) _kvpctl_files -d ;;
	*:-g | *:--if-generation | *:-n | *:--count | *:-t | *:--timeout) [[ $1 != agent || $2 != -n ]] ;;
	*) return 1 ;;
	esac
}

_kvpctl() {
	local -a words
	local current command

	COMPREPLY=()
	_kvpctl_split
	current=${words[-1]} command=${words[1]}
	if ((${#words[@]} == 2)) || [[ $command == help && ${#words[@]} == 3 ]]; then
		mapfile -t words < <(_kvpctl_commands)
		_kvpctl_words "${words[@]}" help version
		return
	fi
	if [[ $current == --*=* ]]; then
		command=$command:${current%%=*} current=${current#*=}
		_kvpctl_value "${command%%:*}" "${command#*:}"
		return
	fi
	_kvpctl_value "$command" "${words[-2]}" && return
	if [[ $current == -* ]]; then
		mapfile -t words < <(_kvpctl_options "$command")
		_kvpctl_words "${words[@]}"
		return
	fi
	case $command in
	get) _kvpctl_keys "$(_kvpctl_pool)" ;;
	set | delete | hold) _kvpctl_keys guest ;;
	save | restore) _kvpctl_files -f ;;
	import) _kvpctl_files -d ;;
	esac
}

complete -F _kvpctl kvpctl
