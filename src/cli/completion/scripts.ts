/** What a shell is told, to ask this program for words. */
export const SCRIPTS = {
  // Of bash 3.2 on: no negative index, no mapfile. A colon divides words there, so what is before it is taken off.
  bash: `# dataform: put this into ~/.bashrc:  source <(dataform completion bash)
_dataform() {
  local line="\${COMP_LINE:0:COMP_POINT}" current before
  local -a given
  read -ra given <<< "$line"
  [[ "$line" == *[[:space:]] ]] && given+=("")
  current="\${given[\${#given[@]}-1]}"
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" completion words -- "\${given[@]:1}" 2> /dev/null))
  if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    before="\${current%"\${current##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$before"}")
  fi
}
complete -o default -F _dataform dataform`,
  zsh: `#compdef dataform
# dataform: put this into ~/.zshrc, behind compinit:  source <(dataform completion zsh)
_dataform() {
  local -a found
  found=("\${(@f)$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _dataform dataform`,
  fish: `# dataform: put this into ~/.config/fish/completions/dataform.fish:  dataform completion fish > that file
function __dataform_words
    set -l given (commandline -opc) (commandline -ct)
    set -l found ($given[1] completion words -- $given[2..-1] 2> /dev/null)
    if count $found > /dev/null
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c dataform -f -a '(__dataform_words)'`,
} as const;
