// Verifies a C2SP tlog-tiles log in a folder with golang.org/x/mod/sumdb: note and tlog are Go's own, the paths of
// tiles alone are translated here. Prints one JSON object; ends with 1 where anything does not hold.
//
//	verify FOLDER VKEY [SIZE:ROOT-IN-BASE64 …]
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type folder string

func (f folder) Height() int { return height }

// path of a tile below the log's prefix: Go's name has the height in it, and "data" for entries.
func path(t tlog.Tile) string {
	name := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(name, "data/", "entries/", 1)
}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, t := range tiles {
		octets, err := os.ReadFile(filepath.Join(string(f), path(t)))
		if err != nil {
			return nil, err
		}
		found[i] = octets
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func entries(octets []byte) ([][]byte, error) {
	var found [][]byte
	for len(octets) > 0 {
		if len(octets) < 2 || len(octets) < 2+int(binary.BigEndian.Uint16(octets)) {
			return nil, fmt.Errorf("a bundle is cut")
		}
		end := 2 + int(binary.BigEndian.Uint16(octets))
		found = append(found, octets[2:end])
		octets = octets[end:]
	}
	return found, nil
}

func head(dir, vkey string) (tlog.Tree, string, error) {
	octets, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, "", err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	opened, err := note.Open(octets, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, "", err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, "", fmt.Errorf("it is no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, lines[0], err
}

func least(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func leaves(dir string, tree tlog.Tree, hashes tlog.HashReader) (int64, error) {
	for first := int64(0); first < tree.N; first += 1 << height {
		width := least(tree.N-first, 1<<height)
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)}
		octets, err := os.ReadFile(filepath.Join(dir, path(tile)))
		if err != nil {
			return 0, err
		}
		found, err := entries(octets)
		if err != nil || int64(len(found)) != width {
			return 0, fmt.Errorf("bundle %d has another length", tile.N)
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		// What the reader gives was proven against the root of the tree.
		proven, err := hashes.ReadHashes(indexes)
		if err != nil {
			return 0, err
		}
		for i, leaf := range found {
			if tlog.RecordHash(leaf) != proven[i] {
				return 0, fmt.Errorf("leaf %d is not the one in the tree", first+int64(i))
			}
		}
	}
	return tree.N, nil
}

func verify(dir, vkey string, earlier []string) (map[string]interface{}, error) {
	tree, origin, err := head(dir, vkey)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	hashes := tlog.TileHashReader(tree, folder(dir))
	count, err := leaves(dir, tree, hashes)
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	inclusions := 0
	for i := int64(0); i < tree.N; i += 1 + tree.N/997 {
		proof, err := tlog.ProveRecord(tree.N, i, hashes)
		if err != nil {
			return nil, fmt.Errorf("inclusion: %w", err)
		}
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		if err != nil {
			return nil, fmt.Errorf("inclusion: %w", err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf[0]); err != nil {
			return nil, fmt.Errorf("inclusion of %d: %w", i, err)
		}
		inclusions++
	}
	for _, told := range earlier {
		before, after, _ := strings.Cut(told, ":")
		size, err := strconv.ParseInt(before, 10, 64)
		if err != nil {
			return nil, err
		}
		root, err := tlog.ParseHash(after)
		if err != nil {
			return nil, err
		}
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		if err != nil {
			return nil, fmt.Errorf("consistency: %w", err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, root); err != nil {
			return nil, fmt.Errorf("consistency with %d: %w", size, err)
		}
	}
	return map[string]interface{}{"origin": origin, "size": tree.N, "root": tree.Hash.String(), "leaves": count,
		"inclusions": inclusions, "consistencies": len(earlier)}, nil
}

func main() {
	told, err := verify(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(told)
}
