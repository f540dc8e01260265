// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

func newPolicyModify(p Program) *cobra.Command {
	var mode string
	cmd := &cobra.Command{
		Use:               "modify FILE",
		Short:             "Write a policy with another mode to standard output",
		Long:              "Read a policy file, - for standard input, and write it to standard output with the option policy-mode set.",
		Example:           "  vedette tracingpolicy modify --mode monitor policy.yaml > try.yaml",
		Args:              arguments("a policy file, or - for standard input", 1, 1),
		ValidArgsFunction: completePolicyFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if mode == "" {
				return usageErrorf(cmd, "modify needs --mode")
			}
			src, err := readPolicySource(p, args[0])
			if err != nil {
				return err
			}
			text, err := withPolicyMode(src.Text, mode)
			if err != nil {
				return fmt.Errorf("%s: %w", src.Name, err)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	addModeFlag(cmd, &mode, "`mode` to set: enforce or monitor")
	return cmd
}

// modeOption is the option of a policy that sets its mode.
const modeOption = "policy-mode"

// withPolicyMode returns the text of policies with the mode set in each. Comments are kept.
func withPolicyMode(text, mode string) (string, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	documents := 0
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if err := setMode(&document, mode); err != nil {
			return "", err
		}
		if err := encoder.Encode(&document); err != nil {
			return "", err
		}
		documents++
	}
	if documents == 0 {
		return "", errors.New("there is no policy in the text")
	}
	if err := encoder.Close(); err != nil {
		return "", err
	}
	return out.String(), nil
}

// setMode sets spec.options of a policy.
func setMode(document *yaml.Node, mode string) error {
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected a policy resource", document.Line)
	}
	spec := mappingValue(document.Content[0], "spec")
	if spec == nil || spec.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: the policy has no spec", document.Content[0].Line)
	}
	options := mappingValue(spec, "options")
	switch {
	case options == nil:
		options = &yaml.Node{Kind: yaml.SequenceNode}
		spec.Content = append(spec.Content, scalarNode("options"), options)
	case options.Kind != yaml.SequenceNode && options.Tag != "!!null":
		return fmt.Errorf("line %d: spec.options is not a list", options.Line)
	case options.Tag == "!!null":
		*options = yaml.Node{Kind: yaml.SequenceNode}
	}
	// A flow style list ([]) cannot hold what is added in a readable way.
	options.Style = 0
	for _, option := range options.Content {
		if name := mappingValue(option, "name"); name != nil && name.Value == modeOption {
			setMappingValue(option, "value", mode)
			return nil
		}
	}
	option := &yaml.Node{Kind: yaml.MappingNode}
	setMappingValue(option, "name", modeOption)
	setMappingValue(option, "value", mode)
	options.Content = append(options.Content, option)
	return nil
}

// mappingValue returns the value of a key, nil where the node has no such key.
func mappingValue(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

func setMappingValue(node *yaml.Node, key, value string) {
	if old := mappingValue(node, key); old != nil {
		*old = *scalarNode(value)
		return
	}
	node.Content = append(node.Content, scalarNode(key), scalarNode(value))
}

func scalarNode(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
