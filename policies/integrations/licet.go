// Package licet is an http.RoundTripper that gets a license where a site asks for one. One file, the standard
// library alone, Go 1.21 or later; copy it into a package of yours.
//
//	licensed := &licet.Transport{
//		MaxPrice: licet.MustMoney("0.01 USD"), Budget: licet.MustMoney("5 USD"), UserAgent: "ExampleBot/1.0",
//		Logins: map[string]licet.Login{"https://journal.example": {ID: "client id", Secret: "secret"}},
//		Receipts: "receipts.jsonl", StopFile: "stop",
//	}
//	client := &http.Client{Transport: licensed}
//
// Without MaxPrice only what is free is taken. GET requests without an Authorization of their own are its matter. A
// page that was not licensed is answered by the site's own 402, whose field Licet-Refused says why, whatever the site
// sent under that name; where the kill switch was thrown, nothing is sent and ErrStopped is returned. It buys what is
// published, and does not negotiate. One token opens every page of a bundle. Licenses, purchases that were begun and receipts stand in files of the format of
// the Python client, so that one crawler may use both, one after the other. Tokens and secrets go to the origin they
// are for alone: a redirect that the client follows is another request, licensed at its own origin.
package licet

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrStopped is returned where the kill switch was thrown.
var ErrStopped = errors.New("licet: stopped: the kill switch was thrown")

// Money is an amount in millionths of a unit of its currency (ISO 4217).
type Money struct {
	Micros   int64
	Currency string
}

var written = regexp.MustCompile(`^(?:(\d{1,12})(?:\.(\d{1,6}))? ([A-Z]{3})|([A-Z]{3}) (\d{1,12})(?:\.(\d{1,6}))?)$`)

// ParseMoney reads "0.01 USD", or "USD 0.01" as the gateway tells a price. Less than a millionth is refused.
func ParseMoney(text string) (Money, error) {
	found := written.FindStringSubmatch(text)
	if found == nil {
		return Money{}, fmt.Errorf("licet: %q is no amount such as \"0.01 USD\"", text)
	}
	whole, part, currency := found[1]+found[5], found[2]+found[6], found[3]+found[4]
	micros, _ := strconv.ParseInt(whole+(part + "000000")[:6], 10, 64)
	return Money{micros, currency}, nil
}

// MustMoney is ParseMoney of an amount that stands in the program.
func MustMoney(text string) Money {
	money, err := ParseMoney(text)
	if err != nil {
		panic(err)
	}
	return money
}

// Login is a client of a desk.
type Login struct{ ID, Secret string }

// Transport licenses the requests of any number of goroutines under one budget. Its fields are not changed in use.
type Transport struct {
	Base      http.RoundTripper // http.DefaultTransport if nil
	UserAgent string            // set on every request
	MaxPrice  Money             // the most one fetch may cost
	Budget    Money             // the most this run may cost, fees included; MaxPrice if zero
	Uses      []string          // what pages are for; what the site takes us to do if empty
	Logins    map[string]Login  // by origin
	Receipts  string            // a file of JSON lines; the wallet stands beside it
	StopFile  string            // nothing more is sent once it exists

	mutex       sync.Mutex
	spent, held int64
	tokens      map[string][]*token
	manifests   map[string][]string
	lines       map[string]*sync.Mutex
	open        map[string]bool
	wallet      []map[string]any
	read        bool
}

type token struct {
	value, license, offer, terms string
	price                        Money
	paths, excluded              []string
	until                        time.Time
}

type refused struct{ code, fact string }

func (r refused) Error() string { return r.code + ": " + r.fact }

// Spent is what this run spent so far.
func (t *Transport) Spent() Money {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return Money{t.spent, t.currency()}
}

// RoundTrip is http.RoundTripper's.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet || request.Header.Get("Authorization") != "" {
		return t.send(request)
	}
	origin, path := request.URL.Scheme+"://"+request.URL.Host, pathOf(request)
	var tried *token
	var answer *http.Response
	for tries := 0; tries < 3; tries++ {
		var err error
		if held := t.token(origin, path, nil); held != nil && held != tried {
			answer, err = t.licensed(request, held)
			tried = held
		} else if answer == nil || tried != nil {
			answer, err = t.send(request.Clone(request.Context()))
		}
		var no refused
		if errors.As(err, &no) {
			return t.unlicensed(request, no)
		}
		if err != nil || (answer.StatusCode != 401 && answer.StatusCode != 402) {
			return answer, err
		}
		body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		answer.Body.Close()
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
		if err := t.acquire(origin, request, answer, body, tried); errors.As(err, &no) {
			answer.Header.Set("Licet-Refused", no.Error())
			return answer, nil
		} else if err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func (t *Transport) unlicensed(request *http.Request, no refused) (*http.Response, error) {
	answer, err := t.send(request.Clone(request.Context()))
	if err == nil {
		answer.Header.Set("Licet-Refused", no.Error())
	}
	return answer, err
}

func (t *Transport) send(request *http.Request) (*http.Response, error) {
	if t.StopFile != "" {
		if _, err := os.Stat(t.StopFile); err == nil {
			return nil, ErrStopped
		}
	}
	if t.UserAgent != "" {
		request = request.Clone(request.Context())
		request.Header.Set("User-Agent", t.UserAgent)
	}
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	return base.RoundTrip(request)
}

func (t *Transport) licensed(request *http.Request, held *token) (*http.Response, error) {
	if over(held.price, t.MaxPrice) {
		return nil, refused{"over-ceiling", "a fetch costs more than MaxPrice"}
	}
	settle, err := t.hold(held.price)
	if err != nil {
		return nil, err
	}
	sent := request.Clone(request.Context())
	sent.Header.Set("Authorization", held.value)
	answer, err := t.send(sent)
	if errors.Is(err, ErrStopped) {
		settle(0)
		return nil, err
	}
	if err != nil {
		settle(held.price.Micros) // it may have arrived
		return nil, err
	}
	record := answer.Header.Get("Licet-Record")
	if answer.StatusCode/100 != 2 || record == "" {
		settle(0)
		return answer, nil
	}
	charged, err := ParseMoney(answer.Header.Get("Licet-Price"))
	if err != nil || charged.Currency != held.price.Currency {
		charged = held.price
	}
	settle(charged.Micros)
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	digest := sha256.Sum256(body)
	return answer, keep(t.Receipts, 0o644, map[string]any{
		"kind": "fetch", "at": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "url": request.URL.String(),
		"path": pathOf(request), "status": answer.StatusCode, "bytes": len(body),
		"sha256": hex.EncodeToString(digest[:]), "record": record, "receipt": answer.Header.Get("Licet-Receipt"),
		"at_most": answer.Header.Get("Licet-Price"), "license": held.license, "terms": held.terms,
	})
}

// acquire gets a token for the page that answered: of a license that is held, or of the cheapest offer within limits.
func (t *Transport) acquire(origin string, request *http.Request, answer *http.Response, body []byte, tried *token) error {
	line := t.line(origin)
	line.Lock()
	defer line.Unlock()
	path := pathOf(request)
	if held := t.token(origin, path, tried); held != nil {
		return nil
	}
	login, known := t.Logins[origin]
	if !known {
		return refused{"no-credentials", "no login for " + origin}
	}
	endpoint, offers, err := t.discover(request, origin, answer)
	if err != nil {
		return err
	}
	page := origin + path
	for _, license := range t.licenses(origin) {
		status, told, err := t.ask(request, endpoint, login, page, map[string]any{"license": license["license"]}, "")
		if err != nil {
			return err
		}
		if status == 200 {
			if made, err := t.tokenIn(told, text(license["terms"]), request, origin, offers); err == nil && inside(made.paths, made.excluded, path) {
				t.store(origin, made)
				return nil
			}
		} else if status >= 400 && status < 500 && status != 429 && text(told["error"]) != "invalid_target" {
			if err := t.write(map[string]any{"kind": "spent", "license": license["license"]}); err != nil {
				return err
			}
		}
	}
	return t.buy(request, origin, path, page, endpoint, login, offers, body)
}

func (t *Transport) buy(request *http.Request, origin, path, page, endpoint string, login Login, offers []any, body []byte) error {
	uses := t.Uses
	if len(uses) == 0 {
		var told struct{ Uses []string }
		_ = json.Unmarshal(body, &told)
		uses = told.Uses
	}
	offer, fee, err := t.choose(offers, path, uses)
	if err != nil {
		return err
	}
	hash := text(offer["terms_hash"])
	name := "buy " + origin + " " + text(offer["id"]) + " " + hash
	settle, err := t.hold(fee)
	if err != nil {
		return err
	}
	key, err := t.begin(name)
	if err != nil {
		settle(0)
		return err
	}
	status, told, err := t.ask(request, endpoint, login, page, map[string]any{"offer": offer["id"], "terms": hash}, key)
	if err != nil || status >= 500 {
		settle(fee.Micros) // asked again under the same key it is the same purchase, and may have been paid
		return errors.Join(err, refused{"unreachable", fmt.Sprint("the desk answered ", status)})
	}
	if err := t.write(map[string]any{"kind": "done", "name": name}); err != nil {
		return err
	}
	if status != 200 {
		settle(0)
		return refused{text(told["error"]), text(told["error_description"]) + text(told["detail"])}
	}
	settle(fee.Micros)
	made, err := t.tokenIn(told, hash, request, origin, offers)
	if err != nil {
		return err
	}
	t.store(origin, made)
	return t.write(map[string]any{"kind": "license", "origin": origin, "license": made.license, "offer": made.offer, "terms": hash})
}

// discover finds who sells for origin: RFC 9728, then RFC 8414, then the offers, all of one origin.
func (t *Transport) discover(request *http.Request, origin string, answer *http.Response) (string, []any, error) {
	place := origin + "/.well-known/oauth-protected-resource"
	if found := regexp.MustCompile(`resource_metadata="([^"\\]+)"`).FindStringSubmatch(answer.Header.Get("WWW-Authenticate")); found != nil {
		place = found[1]
	}
	resource, err := t.document(request, origin, place)
	if err != nil {
		return "", nil, err
	}
	issuers, _ := resource["authorization_servers"].([]any)
	if len(issuers) == 0 || !of(origin, text(issuers[0])) || !of(origin, text(resource["resource"])) {
		return "", nil, refused{"foreign-seller", "the desk is not of " + origin}
	}
	issuer := text(issuers[0])
	server, err := t.document(request, origin, origin+"/.well-known/oauth-authorization-server"+strings.TrimPrefix(issuer, origin))
	if err != nil {
		return "", nil, err
	}
	endpoint := text(server["token_endpoint"])
	if text(server["issuer"]) != issuer || !of(origin, endpoint) {
		return "", nil, refused{"unreadable", "the metadata is of another issuer"}
	}
	index, err := t.document(request, origin, text(server["service_documentation"]))
	if err != nil {
		return "", nil, err
	}
	offers, _ := index["offers"].([]any)
	return endpoint, offers, nil
}

func (t *Transport) document(request *http.Request, origin, place string) (map[string]any, error) {
	if !of(origin, place) {
		return nil, refused{"foreign-seller", place + " is not of " + origin}
	}
	asked, err := http.NewRequestWithContext(request.Context(), http.MethodGet, place, nil)
	if err != nil {
		return nil, err
	}
	asked.Header.Set("Accept", "application/json")
	status, told, err := t.told(asked)
	if err == nil && status != 200 {
		err = refused{"no-seller", fmt.Sprint(place, " answered ", status)}
	}
	return told, err
}

func (t *Transport) ask(request *http.Request, endpoint string, login Login, page string, wish map[string]any, key string) (int, map[string]any, error) {
	wish["type"] = "content_license"
	details, _ := json.Marshal([]any{wish})
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {page}, "authorization_details": {string(details)}}
	asked, err := http.NewRequestWithContext(request.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	pair := url.QueryEscape(login.ID) + ":" + url.QueryEscape(login.Secret)
	asked.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	asked.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		asked.Header.Set("Idempotency-Key", key)
	}
	return t.told(asked)
}

// told sends a request to a desk; a RoundTripper follows no redirect, so no secret goes elsewhere.
func (t *Transport) told(request *http.Request) (int, map[string]any, error) {
	answer, err := t.send(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	decoder := json.NewDecoder(io.LimitReader(answer.Body, 16<<20))
	decoder.UseNumber()
	var body map[string]any
	if err := decoder.Decode(&body); err != nil {
		return 0, nil, refused{"unreadable", request.URL.String() + " gave no JSON object"}
	}
	return answer.StatusCode, body, nil
}

// choose finds the cheapest offer of path that asks for nothing besides a fee and a price of a fetch, within limits.
func (t *Transport) choose(offers []any, path string, uses []string) (map[string]any, Money, error) {
	type priced struct {
		offer     map[string]any
		fee, each Money
	}
	var fitting []priced
	for _, one := range offers {
		offer, _ := one.(map[string]any)
		terms, _ := offer["terms"].(map[string]any)
		price, _ := terms["compensation"].(map[string]any)
		scope, _ := terms["scope"].(map[string]any)
		purpose, _ := terms["purpose"].(map[string]any)
		if price == nil || scope == nil || purpose == nil || digest(terms) != text(offer["terms_hash"]) {
			continue
		}
		if !inside(texts(scope["paths"]), texts(scope["excluded"]), path) || !all(uses, texts(purpose["uses"])) || asksForMore(price) {
			continue
		}
		currency := text(price["currency"])
		fitting = append(fitting, priced{offer, Money{micros(price["upfront"]), currency}, Money{micros(price["per_fetch"]), currency}})
	}
	if len(fitting) == 0 {
		return nil, Money{}, refused{"nothing-fits", "nothing that this client can buy is on offer for " + path}
	}
	sort.SliceStable(fitting, func(a, b int) bool {
		one, other := fitting[a], fitting[b]
		return one.fee.Micros < other.fee.Micros || (one.fee.Micros == other.fee.Micros && one.each.Micros < other.each.Micros)
	})
	for _, found := range fitting {
		if !over(found.each, t.MaxPrice) {
			return found.offer, found.fee, nil
		}
	}
	return nil, Money{}, refused{"over-ceiling", fmt.Sprint("a fetch costs ", fitting[0].each.Micros, " micro-units of ", fitting[0].each.Currency)}
}

// bundled is the pages of the bundle whose manifest has that hash: of the published offer of these terms, else of the
// manifest at address, which is believed at this origin and by its hash. None where they cannot be known: the token is
// good for the page it was asked for, then.
func (t *Transport) bundled(request *http.Request, origin, hash, terms, address string, offers []any) []string {
	for _, one := range offers {
		offer, _ := one.(map[string]any)
		sold, _ := offer["terms"].(map[string]any)
		scope, _ := sold["scope"].(map[string]any)
		bundle, _ := scope["bundle"].(map[string]any)
		if text(offer["terms_hash"]) == terms && digest(sold) == terms && text(bundle["manifest"]) == hash {
			return texts(scope["paths"])
		}
	}
	t.mutex.Lock()
	pages, known := t.manifests[hash]
	t.mutex.Unlock()
	if known {
		return pages
	}
	manifest, err := t.document(request, origin, address)
	if err != nil {
		return nil
	}
	delete(manifest, "hash")
	items, _ := manifest["items"].([]any)
	if digest(manifest) != hash {
		return nil
	}
	for _, one := range items {
		item, _ := one.(map[string]any)
		pages = append(pages, text(item["path"]))
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.manifests == nil {
		t.manifests = map[string][]string{}
	}
	t.manifests[hash] = pages
	return pages
}

func (t *Transport) tokenIn(body map[string]any, terms string, request *http.Request, origin string, offers []any) (*token, error) {
	details, _ := body["authorization_details"].([]any)
	if len(details) == 0 {
		return nil, refused{"unreadable", "the token says nothing of its terms"}
	}
	detail, _ := details[0].(map[string]any)
	price, _ := detail["price"].(map[string]any)
	scheme := map[string]string{"bearer": "Bearer", "license": "License"}[strings.ToLower(text(body["token_type"]))]
	if text(detail["terms"]) != terms || text(price["per"]) != "fetch" || scheme == "" {
		return nil, refused{"unreadable", "the token is of other terms than were agreed on"}
	}
	seconds, paths := whole(body["expires_in"]), texts(detail["locations"])
	if bundle := text(detail["bundle"]); bundle != "" {
		paths = append([]string{pathOf(request)}, t.bundled(request, origin, bundle, terms, text(body["manifest"]), offers)...)
	}
	return &token{
		value: scheme + " " + text(body["access_token"]), license: text(detail["license"]), offer: text(detail["offer"]), terms: terms,
		price: Money{micros(price), text(price["currency"])}, paths: paths, excluded: texts(detail["excluded"]),
		until: time.Now().Add(time.Duration(seconds) * time.Second * 9 / 10),
	}, nil
}

func (t *Transport) currency() string {
	if t.Budget.Currency != "" {
		return t.Budget.Currency
	}
	return t.MaxPrice.Currency
}

func (t *Transport) hold(price Money) (func(int64), error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	budget := t.Budget
	if budget.Currency == "" {
		budget = t.MaxPrice
	}
	if price.Micros < 0 || (price.Micros > 0 && (price.Currency != budget.Currency || price.Micros > budget.Micros-t.spent-t.held)) {
		return nil, refused{"over-budget", fmt.Sprint(price.Micros, " micro-units of ", price.Currency, " are asked for")}
	}
	t.held += price.Micros
	var once sync.Once
	return func(charged int64) {
		once.Do(func() {
			t.mutex.Lock()
			defer t.mutex.Unlock()
			t.held -= price.Micros
			t.spent += max(charged, 0)
		})
	}, nil
}

func (t *Transport) line(origin string) *sync.Mutex {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.lines == nil {
		t.lines = map[string]*sync.Mutex{}
	}
	if t.lines[origin] == nil {
		t.lines[origin] = &sync.Mutex{}
	}
	return t.lines[origin]
}

func (t *Transport) token(origin, path string, but *token) *token {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, held := range t.tokens[origin] {
		if held != but && held.until.After(time.Now()) && inside(held.paths, held.excluded, path) {
			return held
		}
	}
	return nil
}

func (t *Transport) store(origin string, made *token) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.tokens == nil {
		t.tokens = map[string][]*token{}
	}
	t.tokens[origin] = append([]*token{made}, t.tokens[origin]...)
}

// lines of the wallet, read once; what is written is appended to both.
func (t *Transport) kept() []map[string]any {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if !t.read && t.Receipts != "" {
		if file, err := os.Open(t.Receipts + ".wallet"); err == nil {
			defer file.Close()
			for scanner := bufio.NewScanner(file); scanner.Scan(); {
				var line map[string]any
				if json.Unmarshal(scanner.Bytes(), &line) == nil && line != nil {
					t.wallet = append(t.wallet, line)
				}
			}
		}
	}
	t.read = true
	return append([]map[string]any(nil), t.wallet...)
}

func (t *Transport) write(line map[string]any) error {
	t.kept()
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.wallet = append(t.wallet, line)
	if t.Receipts == "" {
		return nil
	}
	return keep(t.Receipts+".wallet", 0o600, line)
}

func (t *Transport) licenses(origin string) []map[string]any {
	var found []map[string]any
	for _, line := range t.kept() {
		switch {
		case line["kind"] == "license" && line["origin"] == origin:
			found = append([]map[string]any{line}, found...)
		case line["kind"] == "spent":
			left := found[:0]
			for _, each := range found {
				if each["license"] != line["license"] {
					left = append(left, each)
				}
			}
			found = left
		}
	}
	return found
}

func (t *Transport) begin(name string) (string, error) {
	key := ""
	for _, line := range t.kept() {
		if line["name"] == name {
			key = ""
			if line["kind"] == "begun" {
				key = text(line["key"])
			}
		}
	}
	if key != "" {
		return key, nil
	}
	octets := make([]byte, 16)
	if _, err := rand.Read(octets); err != nil {
		return "", err
	}
	key = hex.EncodeToString(octets)
	return key, t.write(map[string]any{"kind": "begun", "name": name, "key": key})
}

func keep(path string, mode os.FileMode, line map[string]any) error {
	if path == "" {
		return nil
	}
	octets, err := json.Marshal(line)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, mode)
	if err != nil {
		return err
	}
	defer file.Close()
	// What a crash tore is ended here, so that it spoils no other line.
	if size, err := file.Seek(0, io.SeekEnd); err == nil && size > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, size-1); err == nil && last[0] != '\n' {
			octets = append([]byte{'\n'}, octets...)
		}
	}
	if _, err := file.Write(append(octets, '\n')); err != nil {
		return err
	}
	return file.Sync()
}

func pathOf(request *http.Request) string {
	if path := request.URL.EscapedPath(); path != "" {
		return path
	}
	return "/"
}

func over(price, most Money) bool {
	return price.Micros > 0 && (price.Currency != most.Currency || price.Micros > most.Micros)
}

func of(origin, place string) bool { return place == origin || strings.HasPrefix(place, origin+"/") }

// inside says whether path is in one of paths and in none of excluded; a plain scope covers what lies below it.
func inside(paths, excluded []string, path string) bool {
	covered := func(pattern string) bool {
		if strings.Contains(pattern, "*") {
			parts := strings.Split(pattern, "*")
			for at := range parts {
				parts[at] = regexp.QuoteMeta(parts[at])
			}
			return regexp.MustCompile("^(?s:" + strings.Join(parts, ".*") + ")$").MatchString(path)
		}
		stem := strings.TrimSuffix(pattern, "/")
		return path == stem || strings.HasPrefix(path, stem+"/")
	}
	for _, pattern := range excluded {
		if covered(pattern) {
			return false
		}
	}
	for _, pattern := range paths {
		if covered(pattern) {
			return true
		}
	}
	return false
}

// asksForMore says whether a price has parts besides a fee and a price of a fetch: this client agrees to none.
func asksForMore(price map[string]any) bool {
	for _, part := range []string{
		"per_item", "per_megabyte", "per_thousand_tokens", "per_inference", "subscription", "revenue_share_bp", "minimum_guarantee", "milestones",
	} {
		switch value := price[part].(type) {
		case nil:
		case []any:
			if len(value) > 0 {
				return true
			}
		case json.Number:
			if value != "0" {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// digest is the terms hash: SHA-256 over JSON with sorted members (RFC 8785; terms hold whole numbers alone).
func digest(terms map[string]any) string {
	var octets bytes.Buffer
	encoder := json.NewEncoder(&octets)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(terms) != nil {
		return ""
	}
	plain := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(octets.String(), "\n"))
	sum := sha256.Sum256([]byte(plain))
	return "sha-256:" + hex.EncodeToString(sum[:])
}

func micros(amount any) int64 {
	told, _ := amount.(map[string]any)
	return whole(told["micros"])
}

func whole(value any) int64 {
	number, _ := value.(json.Number)
	found, _ := number.Int64()
	return found
}

func text(value any) string {
	found, _ := value.(string)
	return found
}

func texts(value any) []string {
	listed, _ := value.([]any)
	var found []string
	for _, each := range listed {
		found = append(found, text(each))
	}
	return found
}

func all(wanted, granted []string) bool {
	have := map[string]bool{}
	for _, each := range granted {
		have[each] = true
	}
	for _, each := range wanted {
		if !have[each] {
			return false
		}
	}
	return true
}
