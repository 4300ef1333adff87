# -*- encoding: utf-8 -*-
# stub: rexml 3.2.5 ruby lib

Gem::Specification.new do |s|
  s.name = "rexml".freeze
  s.version = "3.2.5"
  s.files = ["LICENSE.txt".freeze, "lib/rexml/document.rb".freeze, "lib/rexml/rexml.rb".freeze]
end
