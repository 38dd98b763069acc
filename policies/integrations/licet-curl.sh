#!/bin/sh
# A page by curl, with a license if the site asks for one and the limits allow. Needs curl 7.83 and jq 1.6.
#
#   LICET_MAX_PRICE="0.01 USD" LICET_BUDGET="1 USD" LICET_LOGIN="CLIENT_ID:CLIENT_SECRET" \
#   LICET_RECEIPTS=receipts.jsonl sh licet-curl.sh https://journal.example/essays/tides > tides.html
#
# Without LICET_MAX_PRICE only what is free is taken. LICET_BUDGET is for all that is in LICET_RECEIPTS, fees
# included, so that it holds over any number of runs; it is as much as one fetch if left out. The login is for the
# origin of the page alone. LICET_USES (such as "ai-input") narrows what is bought, LICET_STOP_FILE stops everything
# once it exists, LICET_AGENT is the crawler's name. Receipts and wallet are in the format of the Python client; one
# script runs on them at a time. Tokens stand beside them until they lapse: one opens every page of its license, of a
# bundle too. Exit 0: the page. 1: it was refused. 2: a mistake in this call. 3: your own limit.

set -eu
url=${1:?usage: licet-curl.sh URL}
receipts=${LICET_RECEIPTS:-receipts.jsonl}
wallet=$receipts.wallet tokens=$receipts.tokens
agent=${LICET_AGENT:-LicetFetch/0.1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077

say() { printf '%s\n' "$*" >&2; }
limit() { say "$*"; exit 3; }
refused() { say "$*"; exit 1; }

# "0.01 USD" as micro-units; "USD 0.01", as the gateway tells a price, is read too.
micros() {
  printf '%s' "$1" | jq -Rer '
    capture("^(?:(?<a>[0-9]+(?:\\.[0-9]{1,6})?) (?<c>[A-Z]{3})|(?<d>[A-Z]{3}) (?<b>[0-9]+(?:\\.[0-9]{1,6})?))$")
    | "\(((.a // .b) | split(".") | (.[0] | tonumber) * 1000000 + (((.[1] // "") + "000000")[:6] | tonumber))) \(.c // .d)"
  ' || { say "$1 is no amount such as \"0.01 USD\""; exit 2; }
}

ceiling=0 currency='' budget=0
if [ -n "${LICET_MAX_PRICE:-}" ]; then set -- $(micros "$LICET_MAX_PRICE"); ceiling=$1 currency=$2 budget=$1; fi
if [ -n "${LICET_BUDGET:-}" ]; then
  set -- $(micros "$LICET_BUDGET")
  budget=$1
  [ -z "$currency" ] || [ "$currency" = "$2" ] || { say "ceiling and budget are in one currency"; exit 2; }
  currency=$2
fi
origin=$(printf '%s' "$url" | jq -Rer 'capture("^(?<o>https?://[^/?#@]+)(?<p>[/?#].*)?$").o' ) || { say "$url is no page"; exit 2; }
page=${url%%[?#]*}
[ "$page" != "$origin" ] || page=$origin/
path=${page#"$origin"}

stopped() { [ -z "${LICET_STOP_FILE:-}" ] || [ ! -e "$LICET_STOP_FILE" ] || limit "stopped: the kill switch was thrown"; }
# What one curl got: status in $status, fields in head.json, body in body. The switch is looked at before each.
get() {
  stopped
  status=$(curl -sS --proto '=http,https' -A "$agent" -o "$work/body" -w '%{http_code}\n%{stderr}%{header_json}' "$@" 2> "$work/head.json") ||
    refused "unreachable: $(tail -n 1 "$work/head.json")"
}
field() { jq -r --arg name "$1" '.[$name][0] // ""' "$work/head.json"; }
same() { case $1 in "$origin"/*) ;; *) refused "foreign-seller: $1 is not of $origin" ;; esac; }
read_json() {
  same "$1"
  get -H 'Accept: application/json' "$1"
  [ "$status" = 200 ] || refused "no-seller: $1 answered $status"
  cp "$work/body" "$work/$2"
}
keep() { printf '%s\n' "$2" >> "$1"; }

# What was charged by all that the receipts hold: fetches by what they cost at most, fees as they were paid.
spent() {
  [ -s "$receipts" ] || { echo 0; return; }
  jq -Rn --arg currency "$currency" '
    [inputs | fromjson? | select(.kind == "fetch" or .kind == "fee") | (.at_most // "") | split(" ")
     | select(.[0] == $currency) | .[1] | split(".") | (.[0] | tonumber) * 1000000 + (((.[1] // "") + "000000")[:6] | tonumber)]
    | add // 0' "$receipts"
}
told() { jq -nr --argjson micros "$1" --arg currency "$2" '$currency + " " + ($micros / 1000000 | tostring)'; }
affords() { # micros currency what
  [ "$1" -eq 0 ] && return
  [ "$2" = "$currency" ] || limit "over-budget: $3 is in $2"
  [ $(($(spent) + $1)) -le "$budget" ] || limit "over-budget: $3 costs $1 micro-units of $2, $((budget - $(spent))) are left"
}

ask() { # a wish, an idempotency key
  get -X POST -u "${LICET_LOGIN:?LICET_LOGIN is missing: CLIENT_ID:CLIENT_SECRET}" ${2:+-H "Idempotency-Key: $2"} \
    --data-urlencode grant_type=client_credentials --data-urlencode "resource=$page" \
    --data-urlencode "authorization_details=[$1]" "$endpoint"
}

# Which of {paths, excluded} hold a page; a plain scope covers what lies below it by whole segments.
inside='def inside($p): any(.[]; if contains("*")
    then . as $s | ($p | test("^" + ($s | gsub("(?<c>[.+?()\\[\\]{}|^$\\\\])"; "\\\(.c)") | gsub("\\*"; ".*")) + "$"))
    else (rtrimstr("/")) as $s | $p == $s or ($p | startswith($s + "/")) end);
  def covers($p): (.paths | inside($p)) and ((.excluded // []) | inside($p) | not);'

held() { # the token that opens this page and has not lapsed, if there is one
  [ -s "$tokens" ] && jq -Rnce --arg origin "$origin" --arg path "$path" "$inside"'
    [inputs | fromjson? | select(.origin == $origin and .until > now and covers($path))] | last // empty' "$tokens" > "$work/token.json"
}
drop() { # the token in token.json, and all that have lapsed
  jq -Rc --slurpfile gone "$work/token.json" 'fromjson? | select(.until > now and .value != $gone[0].value)' "$tokens" > "$work/left"
  cat "$work/left" > "$tokens"
}
hold() { # the token that is in body, with every page that it opens
  jq -c --arg origin "$origin" --arg path "$path" '.authorization_details[0] as $d | {
    origin: $origin, value: ((if (.token_type | ascii_downcase) == "bearer" then "Bearer " else "License " end) + .access_token),
    license: $d.license, terms: $d.terms, price: $d.price, bundle: ($d.bundle // ""), manifest: (.manifest // ""),
    paths: (if $d.bundle then [$path] else $d.locations end), excluded: ($d.excluded // []),
    until: (now + .expires_in * 0.9 | floor)}' "$work/body" > "$work/token.json"
  # A bundle is named by the hash of its manifest, and believed by it; what cannot be known is not guessed.
  manifest=$(jq -r .manifest "$work/token.json")
  case $manifest in "$origin"/*)
    code=$( (get -H 'Accept: application/json' "$manifest" && echo "$status") 2> /dev/null) || code=0
    if [ "$code" = 200 ] && [ "sha-256:$(jq -jcS 'del(.hash)' "$work/body" | sha256sum | cut -d ' ' -f 1)" = "$(jq -r .bundle "$work/token.json")" ]; then
      jq -c --slurpfile made "$work/body" '.paths += [$made[0].items[].path]' "$work/token.json" > "$work/line"
      cp "$work/line" "$work/token.json"
    fi ;;
  esac
  [ ! -s "$tokens" ] || drop
  cat "$work/token.json" >> "$tokens"
}

fetch() { # with the token that is in token.json
  token=$(jq -er .value "$work/token.json")
  license=$(jq -r .license "$work/token.json")
  terms=$(jq -r .terms "$work/token.json")
  set -- $(jq -r '.price | "\(.micros) \(.currency)"' "$work/token.json")
  [ "$1" -eq 0 ] || [ "$2" = "$currency" ] || limit "over-ceiling: a fetch is paid in $2"
  [ "$1" -le "$ceiling" ] || limit "over-ceiling: a fetch costs $1 micro-units of $2"
  affords "$1" "$2" "a fetch"
  printf 'header = "Authorization: %s"\n' "$token" > "$work/token"
  get -K "$work/token" "$url"
  record=$(field licet-record)
  case $status in 2??) ;; *) return ;; esac
  [ -z "$record" ] || keep "$receipts" "$(jq -nc --arg url "$url" --arg path "$path" --arg record "$record" \
    --arg receipt "$(field licet-receipt)" --arg most "$(field licet-price)" --arg license "$license" --arg terms "$terms" \
    --arg sha "$(sha256sum < "$work/body" | cut -d ' ' -f 1)" --argjson bytes "$(wc -c < "$work/body")" --argjson status "$status" \
    '{kind: "fetch", at: (now | todate), url: $url, path: $path, status: $status, bytes: $bytes, sha256: $sha,
      record: $record, receipt: $receipt, at_most: $most, license: $license, terms: $terms}')"
}

stopped
if held; then
  fetch
  case $status in 401 | 402) drop ;; esac
else
  get "$url"
fi
if [ "$status" = 401 ] || [ "$status" = 402 ]; then
  say "$status: $(field crawler-price) is asked for $path"
  meta=$(field www-authenticate | sed -n 's/.*resource_metadata="\([^"\\]*\)".*/\1/p')
  jq -c '.uses // []' "$work/body" > "$work/uses" 2> /dev/null || echo '[]' > "$work/uses"
  read_json "${meta:-$origin/.well-known/oauth-protected-resource}" resource
  issuer=$(jq -er '.authorization_servers[0]' "$work/resource")
  same "$issuer"
  read_json "$origin/.well-known/oauth-authorization-server${issuer#"$origin"}" server
  endpoint=$(jq -er .token_endpoint "$work/server")
  same "$endpoint"

  # A license that is held is asked for another token first.
  status=0
  if [ -s "$wallet" ]; then
    jq -Rnr --arg origin "$origin" '[inputs | fromjson?] | (map(select(.kind == "spent") | .license)) as $gone
      | .[] | select(.kind == "license" and .origin == $origin and (.license as $l | $gone | index($l) | not)) | .license' "$wallet" > "$work/held"
    while read -r held; do
      ask "$(jq -nc --arg license "$held" '{type: "content_license", license: $license}')" ''
      [ "$status" != 200 ] || break
      case $status in 429 | 5??) refused "the desk answered $status" ;; esac
      jq -e '.error == "invalid_target"' "$work/body" > /dev/null 2>&1 || keep "$wallet" "$(jq -nc --arg license "$held" '{kind: "spent", license: $license}')"
    done < "$work/held"
  fi
  if [ "$status" != 200 ]; then
    read_json "$(jq -er .service_documentation "$work/server")" index
    # The cheapest offer of the page that asks for nothing besides a fee and a price of a fetch.
    jq -ec --arg path "$path" --arg uses "${LICET_USES:-}" --slurpfile known "$work/uses" "$inside"'
      (if $uses == "" then $known[0] else ($uses | split(" ")) end) as $wanted
      | [.offers[] | select(.terms.compensation as $c | all("per_item", "per_megabyte", "per_thousand_tokens", "per_inference",
            "subscription", "revenue_share_bp", "minimum_guarantee", "milestones"; $c[.] | not or . == [] or . == 0))
         | select(.terms.scope | covers($path))
         | select($wanted - .terms.purpose.uses | length == 0)]
      | sort_by(.terms.compensation.upfront.micros // 0, .terms.compensation.per_fetch.micros // 0) | .[0] // empty' \
      "$work/index" > "$work/offer" || refused "nothing-fits: nothing that this script can buy is on offer for $path"
    # The terms hash is worked out here: what is agreed to is what was read (RFC 8785; terms hold whole numbers alone).
    terms=$(jq -r .terms_hash "$work/offer")
    [ "sha-256:$(jq -jcS .terms "$work/offer" | sha256sum | cut -d ' ' -f 1)" = "$terms" ] || refused "unreadable: the offer has another hash"
    set -- $(jq -r '.terms.compensation | "\(.per_fetch.micros // 0) \(.upfront.micros // 0) \(.currency)"' "$work/offer")
    [ "$1" -eq 0 ] || [ "$3" = "$currency" ] || limit "over-ceiling: a fetch is paid in $3"
    [ "$1" -le "$ceiling" ] || limit "over-ceiling: a fetch costs $1 micro-units of $3"
    affords "$(($1 + $2))" "$3" "the license and a fetch"
    fee=$2 paid=$3 id=$(jq -r .id "$work/offer")
    name="buy $origin $id $terms"
    key=$( ([ ! -s "$wallet" ] || cat "$wallet") | jq -Rnr --arg name "$name" '[inputs | fromjson? | select(.name == $name)] | last | select(.kind == "begun") | .key')
    if [ -z "$key" ]; then
      key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
      keep "$wallet" "$(jq -nc --arg name "$name" --arg key "$key" '{kind: "begun", name: $name, key: $key}')"
    fi
    ask "$(jq -nc --arg offer "$id" --arg terms "$terms" '{type: "content_license", offer: $offer, terms: $terms}')" "$key"
    case $status in 5??) refused "unreachable: the desk answered $status; asked again it is the same purchase" ;; esac
    keep "$wallet" "$(jq -nc --arg name "$name" '{kind: "done", name: $name}')"
    [ "$status" = 200 ] || refused "$(jq -r '"\(.error // .title // "refused"): \(.error_description // .detail // "")"' "$work/body")"
    [ "$fee" -eq 0 ] || keep "$receipts" "$(jq -nc --arg most "$(told "$fee" "$paid")" --arg name "$name" '{kind: "fee", at: (now | todate), name: $name, at_most: $most}')"
    jq -e --arg terms "$terms" '.authorization_details[0].terms == $terms' "$work/body" > /dev/null || refused "unreadable: the token is of other terms"
    keep "$wallet" "$(jq -c --arg origin "$origin" '.authorization_details[0] | {kind: "license", origin: $origin, license: .license, offer: .offer, terms: .terms}' "$work/body")"
    say "bought the offer $id"
  fi
  hold
  fetch
fi
cat "$work/body"
case $status in 2??) ;; *) refused "$status was answered" ;; esac
