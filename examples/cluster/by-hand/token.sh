# Sourced by the other scripts: the cluster's token. Without one, whoever reaches the port of the head can run programs on every node.
# Make it once, then copy the file to the same place on every machine (or keep it on a shared home):
#   bash token.sh make
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/sweep-token}"

if [ "${1:-}" = make ]; then
  if [ -e "$RAY_AUTH_TOKEN_PATH" ]; then echo "$RAY_AUTH_TOKEN_PATH exists already" >&2; exit 1; fi
  umask 077
  mkdir -p "$(dirname "$RAY_AUTH_TOKEN_PATH")"
  python -c 'import secrets; print(secrets.token_hex(32), end="")' > "$RAY_AUTH_TOKEN_PATH"
  echo "wrote $RAY_AUTH_TOKEN_PATH"
elif [ ! -s "$RAY_AUTH_TOKEN_PATH" ]; then
  echo "no token in $RAY_AUTH_TOKEN_PATH: run 'bash token.sh make' on one machine and copy the file to the others" >&2
  exit 1
fi
