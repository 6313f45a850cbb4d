#compdef kvpctl
# SPDX-License-Identifier: GPL-2.0
# zsh completion for kvpctl(8); it asks kvpctl itself what there is.

# Keys of a pool, or of all; they may hold anything.
_kvpctl_keys() {
	local -a keys

	keys=("${(@0)$(kvpctl list --keys --null ${1:+--pool} $1 2>/dev/null)}")
	compadd -- ${(@)keys:#}
}

_kvpctl() {
	local command=$words[2] pool i
	local -a found

	if ((CURRENT == 2)) || [[ $command == help && $CURRENT == 3 ]]; then
		found=(${(f)"$(kvpctl help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\)  *\(.*\)/\1:\2/p')"})
		_describe command found
		return
	fi
	for ((i = 3; i < CURRENT; i++)); do
		[[ $words[i] != (-p|--pool) ]] || pool=$words[i+1]
	done
	case $command:$words[CURRENT-1] in
	*:(-p|--pool)) compadd external guest auto auto_external auto_internal; return ;;
	(get|set):(-t|--type)) compadd SZ EXPAND_SZ DWORD QWORD; return ;;
	component:(-f|--format)) compadd mof json xml; return ;;
	agent:(-s|--stack)) compadd netplan networkd networkmanager ifupdown; return ;;
	watch:(-k|--key)) _kvpctl_keys $pool; return ;;
	(set|agent):(-f|--file|--request|-x|--exec)) _files; return ;;
	*:--root) _files -/; return ;;
	esac
	if [[ $words[CURRENT] == -* ]]; then
		found=(${(f)"$(kvpctl help $command 2>/dev/null | sed -n 's/^  ...[ ,]*\(--[a-z-]\{1,\}\).*/\1/p')"})
		compadd -- $found
		return
	fi
	case $command in
	get) _kvpctl_keys $pool ;;
	set|delete|hold) _kvpctl_keys guest ;;
	save|restore) _files ;;
	import) _files -/ ;;
	esac
}

_kvpctl "$@"
