import { Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { signOutMutation } from "../api/generated/@tanstack/react-query.gen";
import { changeSession, useSession } from "../session/session";

export function UserMenu() {
  const { name, role } = useSession();
  const [isOpen, setIsOpen] = useState(false);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const leaving = useMutation({
    ...signOutMutation(),
    onSuccess: () => {
      changeSession(queryClient, null);
      void navigate("/sign-in");
    },
  });

  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: "right" }}
      shouldFocusFirstItemOnOpen
      toggle={(toggle) => (
        <MenuToggle ref={toggle} icon={<UserIcon />} isExpanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {name}
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem key="role" isDisabled description={`Role: ${role}`}>
          Signed in as {name}
        </DropdownItem>
        <DropdownItem key="leave" onClick={() => leaving.mutate({})}>
          Sign out
        </DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}
