// SPDX-License-Identifier: Apache-2.0

package policy

// The actions of the policy schema, with the three descriptor-following ones
// that the reference implementation has dropped.
const (
	ActionPost                        ActionType = "Post"
	ActionNoPost                      ActionType = "NoPost"
	ActionSigkill                     ActionType = "Sigkill"
	ActionSignal                      ActionType = "Signal"
	ActionOverride                    ActionType = "Override"
	ActionGetURL                      ActionType = "GetUrl"
	ActionDNSLookup                   ActionType = "DnsLookup"
	ActionTrackSock                   ActionType = "TrackSock"
	ActionUntrackSock                 ActionType = "UntrackSock"
	ActionNotifyEnforcer              ActionType = "NotifyEnforcer"
	ActionCleanupEnforcerNotification ActionType = "CleanupEnforcerNotification"
	ActionSet                         ActionType = "Set"
	ActionFollowFD                    ActionType = "FollowFD"
	ActionUnfollowFD                  ActionType = "UnfollowFD"
	ActionCopyFD                      ActionType = "CopyFD"
)

// actionTypes are all actions.
var actionTypes = []ActionType{
	ActionPost, ActionNoPost, ActionSigkill, ActionSignal, ActionOverride, ActionGetURL,
	ActionDNSLookup, ActionTrackSock, ActionUntrackSock, ActionNotifyEnforcer,
	ActionCleanupEnforcerNotification, ActionSet, ActionFollowFD, ActionUnfollowFD, ActionCopyFD,
}

// IsEnforcing reports whether the action changes what the process does, and
// is therefore skipped in monitor mode.
func IsEnforcing(action ActionType) bool {
	switch action {
	case ActionSigkill, ActionSignal, ActionOverride, ActionNotifyEnforcer, ActionSet:
		return true
	}
	return false
}

// IsFdFollowing reports whether the action follows descriptors.
func IsFdFollowing(action ActionType) bool {
	switch action {
	case ActionFollowFD, ActionUnfollowFD, ActionCopyFD:
		return true
	}
	return false
}

// isEnforcing reports whether any of the actions is enforcing.
func isEnforcing(actions []Action) bool {
	for _, a := range actions {
		if IsEnforcing(a.Action) {
			return true
		}
	}
	return false
}
